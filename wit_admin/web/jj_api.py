"""Lists what was synced from jj repositories: ``/api/repos/{user}/{repo}/jj/…``.

Everybody who may read the repository may read these lists, except for details of people's machines:
host, user and command line of an operation are only for those who may push.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wit_admin.db.models.organizations import Permission
from wit_admin.db.queries.jj_bookmarks import BookmarkFilter
from wit_admin.db.queries.jj_conflicts import ConflictFilter
from wit_admin.db.queries.jj_operations import OperationFilter, OperationRow
from wit_admin.forge import Forge
from wit_admin.services.access.admission import Admitted, admit
from wit_admin.services.access.decision import Action
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.services.jj import reading
from wit_admin.services.jj.evolution import read_evolution
from wit_admin.web.callers import find_credentials, named_repository, recognise
from wit_admin.web.json_api import answer_json, json_route
from wit_admin.web.parameters import Parameters

_LISTS_AT_ONCE = 8
_DISK_READS_AT_ONCE = 2
"""An evolution may read the whole operation log."""
_BASE = "/api/repos/{user}/{repo}/jj"
_STATES = {"open": True, "resolved": False, "all": None}

Read = Callable[[Admitted], dict[str, Any]]


def jj_routes(forge: Forge) -> list[Route]:
    """Return the routes; none without a database."""
    if forge.sessions is None or forge.logins is None:
        return []
    api = JjApi(forge, forge.sessions, forge.logins)
    answers: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/changes": api.list_changes,
        "/ops": api.list_operations,
        "/bookmarks": api.list_bookmarks,
        "/conflicts": api.list_conflicts,
        "/changes/{change_id}/evolution": api.show_evolution,
    }
    return [json_route(f"{_BASE}{path}", "GET", answer) for path, answer in answers.items()]


class JjApi:
    """The endpoints for changes, bookmarks, operations and conflicts."""

    def __init__(
        self, forge: Forge, sessions: sessionmaker[Session], logins: LoginSessions
    ) -> None:
        self._sessions, self._logins = sessions, logins
        self._root = forge.settings.repositories_root
        self._lists = CapacityLimiter(_LISTS_AT_ONCE)
        self._disk_reads = CapacityLimiter(_DISK_READS_AT_ONCE)

    async def list_changes(self, request: Request) -> Response:
        """Give ``{"changes": […], "next": CURSOR or null}``."""
        flags = ("conflicted", "divergent", "hidden", "mutable")
        given = Parameters(request, ("bookmark", "author", "query", *flags))
        is_mutable = given.flag("mutable")
        wanted = reading.ChangeQuery(
            bookmark=given.text("bookmark"),
            author=given.text("author"),
            text=given.text("query"),
            is_conflicted=given.flag("conflicted"),
            is_divergent=given.flag("divergent"),
            is_hidden=given.flag("hidden") or False,
            is_immutable=None if is_mutable is None else not is_mutable,
        )
        at = given.page()

        def read(admitted: Admitted) -> dict[str, Any]:
            page = reading.list_changes(self._sessions, admitted.repo_id, wanted, at)
            return {"changes": page.items, "next": page.next_cursor}

        return await self._answer(request, read, self._lists)

    async def list_operations(self, request: Request) -> Response:
        """Give ``{"operations": […], "heads": […], "next": CURSOR or null}``."""
        given = Parameters(request, ("type", "undone", "snapshots"))
        wanted = OperationFilter(given.text("type"), given.flag("undone"), given.flag("snapshots"))
        at = given.page()

        def read(admitted: Admitted) -> dict[str, Any]:
            log = reading.list_operations(self._sessions, admitted.repo_id, wanted, at)
            rows = log.operations
            if admitted.level is Permission.READ:
                rows = tuple(map(_without_people, rows))
            return {"operations": rows, "heads": log.heads, "next": log.next_cursor}

        return await self._answer(request, read, self._lists)

    async def list_bookmarks(self, request: Request) -> Response:
        """Give ``{"bookmarks": […], "next": CURSOR or null}``."""
        given = Parameters(request, ("local", "remote", "query", "conflicted"))
        remote = "" if given.flag("local") else given.text("remote")
        wanted = BookmarkFilter(remote, given.text("query"), given.flag("conflicted"))
        at = given.page()

        def read(admitted: Admitted) -> dict[str, Any]:
            page = reading.list_bookmarks(self._sessions, admitted.repo_id, wanted, at)
            return {"bookmarks": page.items, "next": page.next_cursor}

        return await self._answer(request, read, self._lists)

    async def list_conflicts(self, request: Request) -> Response:
        """Give ``{"conflicts": […], "next": CURSOR or null}``."""
        given = Parameters(request, ("change", "state"))
        is_open = given.choice("state", _STATES) if given.text("state") else True
        wanted = ConflictFilter(
            is_open=is_open or None, is_resolved=True if is_open is False else None
        )
        change, at = given.text("change"), given.page()

        def read(admitted: Admitted) -> dict[str, Any]:
            page = reading.list_conflicts(
                self._sessions, admitted.repo_id, wanted, at, change=change
            )
            return {"conflicts": page.items, "next": page.next_cursor}

        return await self._answer(request, read, self._lists)

    async def show_evolution(self, request: Request) -> Response:
        """Give ``{"change_id", "forms": […], "gap": SENTENCE or null}``."""
        limit = Parameters(request, (), is_list=False).limit()
        change = request.path_params["change_id"]

        def read(admitted: Admitted) -> dict[str, Any]:
            found = read_evolution(
                self._sessions, admitted.repo_id, change, root=self._root, limit=limit
            )
            return {"change_id": found.change_id, "forms": found.forms, "gap": found.gap}

        return await self._answer(request, read, self._disk_reads)

    async def _answer(self, request: Request, read: Read, limiter: CapacityLimiter) -> Response:
        credentials, name = find_credentials(request), named_repository(request)

        def work() -> dict[str, Any]:
            actor = recognise(self._logins, credentials)
            return read(admit(self._sessions, name, actor, Action.READ))

        return answer_json(request, await run_sync(work, limiter=limiter))


def _without_people(row: OperationRow) -> OperationRow:
    return replace(row, hostname=None, username=None, tags=None)
