"""Sessions over HTTP: ``/api/login``, ``/api/logout``, ``/api/user``."""

from __future__ import annotations

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wit_admin.forge import Forge
from wit_admin.json_values import to_json
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.web.callers import client_of, require_credentials
from wit_admin.web.json_api import NOT_STORED, json_route, read_object, text_field

_CHECKS_AT_ONCE = 4
"""Checking a password takes 64 MB for a moment."""


def session_routes(forge: Forge) -> list[Route]:
    """Return the three routes; none without a database, which has no accounts."""
    if forge.logins is None:
        return []
    api = SessionsApi(forge.logins, forge.limits.idle_timeout_s)
    return [
        json_route("/api/login", "POST", api.log_in),
        json_route("/api/logout", "POST", api.log_out),
        json_route("/api/user", "GET", api.show_user),
    ]


class SessionsApi:
    """The endpoints to sign in, to sign out, and to ask who is signed in."""

    def __init__(self, logins: LoginSessions, idle_timeout_s: float) -> None:
        self._logins = logins
        self._idle_timeout_s = idle_timeout_s
        self._checks = CapacityLimiter(_CHECKS_AT_ONCE)

    async def log_in(self, request: Request) -> Response:
        """Take ``{"username", "password"}``; give ``{"token", "expires_at", "username"}``."""
        content = await read_object(request, self._idle_timeout_s)
        username, password = text_field(content, "username"), text_field(content, "password")
        client = client_of(request)
        made = await run_sync(self._logins.log_in, username, password, client, limiter=self._checks)
        answer = {
            "token": made.token,
            "expires_at": to_json(made.expires_at),
            "username": made.username,
        }
        return JSONResponse(answer, headers=NOT_STORED)

    async def log_out(self, request: Request) -> Response:
        """Revoke the session that the request came with."""
        await run_in_threadpool(
            self._logins.log_out, require_credentials(request), client_of(request)
        )
        return JSONResponse({"revoked": True}, headers=NOT_STORED)

    async def show_user(self, request: Request) -> Response:
        """Say whose credentials these are; ``scopes`` is null unless they are a token's."""
        actor = await run_in_threadpool(self._logins.recognise, require_credentials(request))
        scopes = None if actor.scopes is None else sorted(actor.scopes)
        answer = {
            "id": str(actor.user_id),
            "username": actor.username,
            "is_admin": actor.is_admin,
            "scopes": scopes,
        }
        return JSONResponse(answer, headers=NOT_STORED)
