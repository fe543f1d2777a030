"""The ASGI application: the git server, and the routes of the JSON API, health and metrics."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wit_admin.forge import Forge
from wit_admin.web.git_http import GitHttp
from wit_admin.web.git_routes import is_git_path
from wit_admin.web.health import health_routes, metrics_route
from wit_admin.web.jj_api import jj_routes
from wit_admin.web.metrics import WorkerMetrics
from wit_admin.web.observe import observed
from wit_admin.web.proxies import believe_proxies
from wit_admin.web.sessions_api import session_routes
from wit_admin.web.watcher_api import watcher_routes


def create_app(forge: Forge, metrics: WorkerMetrics) -> ASGIApp:
    """Return the application for an open forge; it counts requests in ``metrics``."""
    git = GitHttp(forge)
    routes = [
        *health_routes(forge),
        metrics_route(forge, metrics),
        *session_routes(forge),
        *jj_routes(forge),
        *watcher_routes(forge),
    ]
    handlers = {404: _nothing_here, 405: _another_method}
    pages = Starlette(routes=routes, exception_handlers=handlers)
    proxies = forge.settings.trusted_proxies

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if proxies and scope["type"] == "http":
            believe_proxies(scope, proxies)
        # Not by Starlette's router: its two stages cost more than an answer from memory does.
        if scope["type"] == "http" and is_git_path(scope["raw_path"]):
            await git(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return observed(dispatch, metrics)


async def _nothing_here(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("There is nothing here.\n", status_code=404)


async def _another_method(_request: Request, error: Exception) -> Response:
    headers = getattr(error, "headers", None)
    return PlainTextResponse("This address does not support the method.\n", 405, headers)
