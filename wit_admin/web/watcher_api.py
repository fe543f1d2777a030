"""What watches jj repositories: ``/api/watcher/…``, in the shapes of the design note.

Lists and the watch list are for who administers the site; a sync also for who administers the
repository.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wit_admin.errors import JjError
from wit_admin.forge import Forge, make_jj_options
from wit_admin.services.access.actors import Actor
from wit_admin.services.access.admission import admit, require_site_admin
from wit_admin.services.access.decision import Action
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.services.audit.trail import http_origin
from wit_admin.services.lookups import get_repository_id
from wit_admin.services.watcher import watching
from wit_admin.services.watcher.requests import sync_on_request, without_place
from wit_admin.web.callers import client_of, named_repository, require_credentials
from wit_admin.web.json_api import NOT_STORED, json_resource, json_route
from wit_admin.web.problems import Problem

_SYNCS_AT_ONCE = 2
_SYNCS_WAITING = 16
"""Further ones get 503: each holds a connection, and may have to wait for all before it."""
_LOOKS_AT_ONCE = 4


def watcher_routes(forge: Forge) -> list[Route]:
    """Return the routes; none without a database."""
    if forge.sessions is None or forge.logins is None:
        return []
    api = WatcherApi(forge, forge.sessions, forge.logins)
    named = "{user}/{repo}"
    return [
        json_route("/api/watcher/status", "GET", api.show_status),
        json_route("/api/watcher/repos", "GET", api.list_repositories),
        json_resource(
            f"/api/watcher/watch/{named}", {"POST": api.add_watch, "DELETE": api.remove_watch}
        ),
        json_route(f"/api/watcher/sync/{named}", "POST", api.sync),
    ]


class WatcherApi:
    """The endpoints; what they do goes on in threads, so that git is served meanwhile."""

    def __init__(
        self, forge: Forge, sessions: sessionmaker[Session], logins: LoginSessions
    ) -> None:
        self._sessions, self._logins = sessions, logins
        self._root, self._run_dir = forge.settings.repositories_root, forge.settings.run_dir
        self._options = make_jj_options(forge.settings)
        self._looks = CapacityLimiter(_LOOKS_AT_ONCE)
        self._syncs = CapacityLimiter(_SYNCS_AT_ONCE)

    async def show_status(self, request: Request) -> Response:
        """Give ``{"running", "watchedRepos"}``: whether a watcher is at work on any host."""

        def work(_actor: Actor) -> dict[str, Any]:
            status = watching.watch_status(self._sessions, self._root, self._run_dir)
            return {"running": status.running, "watchedRepos": status.watched}

        return await self._for_site_admin(request, work)

    async def list_repositories(self, request: Request) -> Response:
        """Give ``{"repos": [{"user", "repo", "repoId"}]}``."""

        def work(_actor: Actor) -> dict[str, Any]:
            rows = watching.list_watched(self._sessions, self._root)
            return {
                "repos": [
                    {"user": row.owner, "repo": row.name, "repoId": str(row.id)}
                    for row in rows
                    if row.is_watched and row.path is not None
                ]
            }

        return await self._for_site_admin(request, work)

    async def add_watch(self, request: Request) -> Response:
        """Have a repository watched again; give what is so now, and whether that is news."""
        return await self._change_list(request, is_watched=True)

    async def remove_watch(self, request: Request) -> Response:
        """Have it watched no more; what was read of it stays."""
        return await self._change_list(request, is_watched=False)

    async def sync(self, request: Request) -> Response:
        """Read one repository now; give what that brought."""
        if self._syncs.statistics().tasks_waiting >= _SYNCS_WAITING:
            raise Problem(503, "Too many syncs wait already.", headers=((b"retry-after", b"5"),))
        name, client = named_repository(request), client_of(request)
        credentials = require_credentials(request)

        def work() -> dict[str, Any]:
            actor = self._logins.recognise(credentials)
            admitted = admit(self._sessions, name, actor, Action.ADMIN)
            report = sync_on_request(
                self._sessions,
                self._root,
                admitted.repo_id,
                options=self._options,
                by=http_origin(actor, client),
            )
            return {
                "state": report.state,
                "seconds": report.seconds,
                "operations": report.operations,
                "changes": report.changes,
                "bookmarks": report.bookmarks,
            }

        return JSONResponse(await run_sync(work, limiter=self._syncs), headers=NOT_STORED)

    async def _change_list(self, request: Request, *, is_watched: bool) -> Response:
        name, client = named_repository(request), client_of(request)
        change = watching.add_watch if is_watched else watching.remove_watch

        def work(actor: Actor) -> dict[str, Any]:
            by = http_origin(actor, client)
            try:
                is_news = change(self._sessions, self._root, name, by=by)
            except JjError as error:
                raise without_place(error, self._root) from None
            with self._sessions() as session:
                repo_id = get_repository_id(session, name)
            shown = {"user": name.owner, "repo": name.name, "repoId": str(repo_id)}
            return {**shown, "watched": is_watched, "changed": is_news}

        return await self._for_site_admin(request, work)

    async def _for_site_admin(
        self, request: Request, work: Callable[[Actor], dict[str, Any]]
    ) -> Response:
        credentials = require_credentials(request)

        def work_if_allowed() -> dict[str, Any]:
            actor = self._logins.recognise(credentials)
            require_site_admin(actor)
            return work(actor)

        content = await run_sync(work_if_allowed, limiter=self._looks)
        return JSONResponse(content, headers=NOT_STORED)
