"""Git's smart HTTP: authorizes a request and dispatches it to fetch, push or advertisement."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from wit_admin.errors import WitError
from wit_admin.forge import Forge
from wit_admin.git.pushes.creation import offer_both_formats
from wit_admin.log import fields
from wit_admin.names import RepoName
from wit_admin.services.access.targets import Creatable, Served
from wit_admin.web.auth import read_credentials
from wit_admin.web.body import ClientGoneError, MemoryBudget
from wit_admin.web.exchange import NO_CACHE, Exchange
from wit_admin.web.git_fetch import answer_fetch
from wit_admin.web.git_push import answer_push
from wit_admin.web.git_routes import (
    GitRoute,
    Service,
    has_content_type,
    match_route,
    operation_of,
    protocol_version,
)
from wit_admin.web.headers import collect_headers
from wit_admin.web.notes import notes_of
from wit_admin.web.problems import Problem, problem_of
from wit_admin.web.proxies import client_address

log = logging.getLogger(__name__)

_FETCH_REQUESTS_BYTES = 512 * 1024 * 1024
"""The memory for all fetch requests together; most take a few kilobytes."""


class GitHttp:
    """The ASGI application behind ``/{owner}/{repo}.git/…``."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._budget = MemoryBudget(_FETCH_REQUESTS_BYTES)
        self._asked: dict[RepoName, asyncio.Future[Served]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure except a bug becomes a message for the client."""
        exchange = Exchange(scope, receive, {}, self._forge.limits.idle_timeout_s, send)
        try:
            exchange.headers = collect_headers(scope["headers"])
            await self._answer(exchange)
        except ClientGoneError:
            notes_of(scope).is_gone = True
        except (Problem, WitError) as error:
            problem = error if isinstance(error, Problem) else problem_of(error)
            await self._refuse(exchange, problem)

    async def _answer(self, exchange: Exchange) -> None:
        scope = exchange.scope
        route = match_route(scope["method"], scope["raw_path"], scope["query_string"])
        notes = notes_of(scope)
        notes.operation = operation_of(route)
        target = await self._open(exchange, route)
        notes.user = target.actor.username if target.actor else None
        if route.is_advertisement:
            await self._advertise(exchange, route, target)
            return
        _check_content_type(exchange, route.service)
        if route.service is Service.RECEIVE_PACK:
            await answer_push(self._forge, exchange, target)
        elif isinstance(target, Served):
            await answer_fetch(self._forge, exchange, route, target, self._budget)

    async def _open(self, exchange: Exchange, route: GitRoute) -> Served | Creatable:
        credentials = read_credentials(exchange.headers, client_address(exchange.scope))
        gate = self._forge.gate
        if route.service is Service.RECEIVE_PACK:
            return await run_in_threadpool(gate.open_push, route.name, credentials)
        known = gate.find_cached_read(route.name, credentials)
        if known is not None:
            return known
        if credentials is None:
            return await self._open_for_anybody(route.name)
        return await run_in_threadpool(gate.open_read, route.name, credentials)

    async def _open_for_anybody(self, name: RepoName) -> Served:
        """Look a repository up once for all anonymous clients that ask at the same time."""
        asked = self._asked.get(name)
        if asked is None:
            asked = asyncio.ensure_future(run_in_threadpool(self._forge.gate.open_read, name, None))
            self._asked[name] = asked
            asked.add_done_callback(partial(self._forget, name))
        return await asyncio.shield(asked)

    def _forget(self, name: RepoName, asked: asyncio.Future[Served]) -> None:
        del self._asked[name]
        if not asked.cancelled():
            # Retrieve the error, since all clients that asked may have left.
            asked.exception()

    async def _advertise(
        self, exchange: Exchange, route: GitRoute, target: Served | Creatable
    ) -> None:
        version = protocol_version(exchange.headers.get(b"git-protocol"))
        gitdir = target.gitdir if isinstance(target, Served) else None
        body = await self._forge.backend.advertise(route.service.command, gitdir, version)
        if gitdir is None:
            body = offer_both_formats(body)
        content_type = route.service.content_type("advertisement")
        await exchange.reply(200, body, (b"content-type", content_type), *NO_CACHE)

    async def _refuse(self, exchange: Exchange, problem: Problem) -> None:
        if exchange.has_started:
            # The client sees a body that breaks off, which git reports; a sentence would come
            # in the middle of a pack.
            notes_of(exchange.scope).is_gone = True
            log.warning("A response broke off in the middle.", extra=fields(reason=problem.message))
            return
        try:
            await exchange.reply_problem(problem)
        except ClientGoneError:
            notes_of(exchange.scope).is_gone = True


def _check_content_type(exchange: Exchange, service: Service) -> None:
    if not has_content_type(exchange.headers, service):
        wanted = service.content_type("request")
        raise Problem(415, f"The content type must be {wanted.decode()}.")
