"""The ASGI application: the git server under every repository's URL, plain routes beside it."""

from __future__ import annotations

import logging
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wit_admin.forge import Forge
from wit_admin.web.git_http import GitHttp
from wit_admin.web.git_routes import is_git_path
from wit_admin.web.health import health_routes
from wit_admin.web.sessions_api import session_routes

log = logging.getLogger("wit_admin.access")


def create_app(forge: Forge) -> ASGIApp:
    """Put the application together for an open forge."""
    git = GitHttp(forge)
    pages = Starlette(
        routes=[*health_routes(forge), *session_routes(forge)],
        exception_handlers={404: _nothing_here},
    )

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        # Two stages of Starlette's routing cost more than an answer from memory will.
        if scope["type"] == "http" and is_git_path(scope["raw_path"]):
            await git(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return _logged(dispatch)


async def _nothing_here(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("There is nothing here.\n", status_code=404)


def _logged(app: ASGIApp) -> ASGIApp:
    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, note_status)
        finally:
            spent_ms = (time.perf_counter() - started) * 1000
            log.info("%s %s %d %.1f ms", scope["method"], scope["path"], status, spent_ms)

    return logged
