"""Signing in and out: ``/api/login``, ``/api/logout``, ``/api/user``."""

from __future__ import annotations

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wit_admin.errors import UnauthenticatedError
from wit_admin.forge import Forge
from wit_admin.log import request_id
from wit_admin.services.actors import Credentials
from wit_admin.services.sessions import Client, SignIn
from wit_admin.web.auth import read_credentials
from wit_admin.web.headers import collect_headers
from wit_admin.web.json_api import json_route, read_object, text_field
from wit_admin.web.proxies import client_address

_CHECKS_AT_ONCE = 4
"""Checking a password takes 64 MB for a moment."""
_USER_AGENT_MOST = 256
_NOT_STORED = {"cache-control": "no-store"}


def session_routes(forge: Forge) -> list[Route]:
    """Return the three routes; none without a database, which has no accounts."""
    if forge.sign_in is None:
        return []
    api = SessionsApi(forge.sign_in, forge.limits.idle_timeout_s)
    return [
        json_route("/api/login", "POST", api.log_in),
        json_route("/api/logout", "POST", api.log_out),
        json_route("/api/user", "GET", api.show_user),
    ]


class SessionsApi:
    """The endpoints."""

    def __init__(self, sign_in: SignIn, idle_timeout_s: float) -> None:
        self._sign_in = sign_in
        self._idle_timeout_s = idle_timeout_s
        self._checks = CapacityLimiter(_CHECKS_AT_ONCE)

    async def log_in(self, request: Request) -> Response:
        """Take ``{"username", "password"}``; give ``{"token", "expires_at", "username"}``."""
        content = await read_object(request, self._idle_timeout_s)
        username, password = text_field(content, "username"), text_field(content, "password")
        client = _client(request)
        made = await run_sync(
            self._sign_in.log_in, username, password, client, limiter=self._checks
        )
        expires_at = made.expires_at.isoformat().replace("+00:00", "Z")
        answer = {"token": made.token, "expires_at": expires_at, "username": made.username}
        return JSONResponse(answer, headers=_NOT_STORED)

    async def log_out(self, request: Request) -> Response:
        """Revoke the session that the request came with."""
        await run_in_threadpool(self._sign_in.log_out, _credentials(request), _client(request))
        return JSONResponse({"revoked": True}, headers=_NOT_STORED)

    async def show_user(self, request: Request) -> Response:
        """Say whose credentials these are; ``scopes`` is null unless they are a token's."""
        actor = await run_in_threadpool(self._sign_in.recognise, _credentials(request))
        scopes = None if actor.scopes is None else sorted(actor.scopes)
        answer = {
            "id": str(actor.user_id),
            "username": actor.username,
            "is_admin": actor.is_admin,
            "scopes": scopes,
        }
        return JSONResponse(answer, headers=_NOT_STORED)


def _credentials(request: Request) -> Credentials:
    headers = collect_headers(request.scope["headers"])
    credentials = read_credentials(headers, client_address(request.scope))
    if credentials is None:
        raise UnauthenticatedError(
            "You are not signed in.", hint="Send a session or an access token as Bearer."
        )
    return credentials


def _client(request: Request) -> Client:
    agent = request.headers.get("user-agent")
    ip = client_address(request.scope)
    return Client(ip, agent[:_USER_AGENT_MOST] if agent else None, request_id.get())
