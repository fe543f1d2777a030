"""The caller of the JSON API: credentials, address and named repository."""

from __future__ import annotations

from starlette.requests import Request

from wit_admin.errors import InvalidInputError, UnauthenticatedError
from wit_admin.log import request_id
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor, Client, Credentials
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.web.auth import read_credentials
from wit_admin.web.headers import collect_headers
from wit_admin.web.problems import Problem
from wit_admin.web.proxies import client_address

_MAX_USER_AGENT_CHARACTERS = 256


def find_credentials(request: Request) -> Credentials | None:
    """Return what the request came with; ``None`` if nothing.

    Raises:
        UnauthenticatedError: It cannot be read.
    """
    return read_credentials(
        collect_headers(request.scope["headers"]), client_address(request.scope)
    )


def require_credentials(request: Request) -> Credentials:
    """Return what the request came with.

    Raises:
        UnauthenticatedError: There are none, or they cannot be read.
    """
    credentials = find_credentials(request)
    if credentials is None:
        raise UnauthenticatedError(
            "You are not signed in.", hint="Send a session or an access token as Bearer."
        )
    return credentials


def recognise(logins: LoginSessions, credentials: Credentials | None) -> Actor | None:
    """Return whose credentials these are; ``None`` for none.

    Raises:
        UnauthenticatedError: They belong to no account that may sign in.
    """
    return None if credentials is None else logins.recognise(credentials)


def client_of(request: Request) -> Client:
    """Return where the request came from."""
    agent = request.headers.get("user-agent")
    ip = client_address(request.scope)
    return Client(ip, agent[:_MAX_USER_AGENT_CHARACTERS] if agent else None, request_id.get())


def named_repository(request: Request) -> RepoName:
    """Return the repository in the address.

    Raises:
        Problem: 404, if it is not a valid name.
    """
    try:
        return RepoName(request.path_params["user"], request.path_params["repo"])
    except InvalidInputError:
        raise Problem(404, "No repository can have that name.") from None
