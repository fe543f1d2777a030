"""Sessions: made by a password or by an administrator, listed, revoked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.accounts import UserSession
from wit_admin.db.queries import callers
from wit_admin.db.queries import sessions as queries
from wit_admin.errors import NotFoundError, UnauthenticatedError
from wit_admin.services.actors import Actor, Credentials
from wit_admin.services.authentication import authenticate, authenticate_password
from wit_admin.services.credentials import (
    SESSION_PREFIX,
    PasswordChecker,
    digest_secret,
    new_secret,
)


@dataclass(frozen=True, slots=True)
class SessionResult:
    """A session that was made; the only moment at which its secret is known."""

    id: uuid.UUID
    username: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Client:
    """Where a session was asked for, so that its owner can tell it from others."""

    ip: str | None = None
    user_agent: str | None = None


class SignIn:
    """Signing in and out over HTTP; keeps what the password checker remembers."""

    def __init__(self, sessions: sessionmaker[Session], *, lifetime: timedelta) -> None:
        self._sessions = sessions
        self._lifetime = lifetime
        self._checker = PasswordChecker()

    def log_in(self, username: str, password: str, client: Client) -> SessionResult:
        """Make a session for whoever knows the password.

        Raises:
            UnauthenticatedError: Unknown name, wrong password, or an account that may not sign
                in; neither the sentence nor the time taken tells which.
        """
        actor = authenticate_password(self._sessions, self._checker, username, password)
        if actor is None:
            raise UnauthenticatedError("This user name and this password do not belong together.")
        return _create(self._sessions, actor, self._lifetime, client)

    def log_out(self, credentials: Credentials) -> None:
        """Revoke the session whose secret is ``credentials``, in every worker at once.

        Raises:
            UnauthenticatedError: It is no session, or one that had ended already.
        """
        with self._sessions.begin() as session:
            if not queries.revoke_by_digest(session, digest_secret(credentials.secret), utc_now()):
                raise UnauthenticatedError(
                    "These credentials are no session.", hint="Send the one to end as Bearer."
                )

    def recognise(self, credentials: Credentials) -> Actor:
        """Return who is asking.

        Raises:
            UnauthenticatedError: They belong to nobody who may sign in now.
        """
        return authenticate(self._sessions, self._checker, credentials)


def create_session(
    sessions: sessionmaker[Session], username: str, *, lifetime: timedelta
) -> SessionResult:
    """Make a session without a password; only its digest is kept.

    Raises:
        NotFoundError: There is no such account, or it may not sign in.
    """
    with sessions() as session:
        account = callers.find_account(session, username)
    if account is None:
        raise _no_user(username)
    actor = Actor(account.user_id, account.username, account.is_admin)
    return _create(sessions, actor, lifetime, Client(user_agent="wit-admin"))


def list_sessions(
    sessions: sessionmaker[Session], username: str | None
) -> list[queries.SessionListRow]:
    """Return the sessions that are good now, of one account or of all."""
    with sessions() as session:
        return queries.list_sessions(session, username, utc_now())


def revoke_session(sessions: sessionmaker[Session], session_id: uuid.UUID) -> None:
    """Revoke a session at once, in every worker; revoking it again changes nothing.

    Raises:
        NotFoundError: There is no such session.
    """
    with sessions.begin() as session:
        if not queries.revoke_session(session, session_id, utc_now()):
            raise NotFoundError(
                f"There is no session {session_id}.", hint="See 'wit-admin session list'."
            )


def revoke_sessions_of(sessions: sessionmaker[Session], username: str) -> int:
    """Revoke all sessions of an account and return how many were good until now.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions.begin() as session:
        user_id = queries.find_owner_id(session, username)
        if user_id is None:
            raise _no_user(username)
        return queries.revoke_all(session, user_id, utc_now())


def _create(
    sessions: sessionmaker[Session], actor: Actor, lifetime: timedelta, client: Client
) -> SessionResult:
    secret = new_secret(SESSION_PREFIX)
    row = UserSession(
        id=new_id(),
        user_id=actor.user_id,
        token_digest=digest_secret(secret),
        ip=client.ip,
        user_agent=client.user_agent,
        expires_at=utc_now() + lifetime,
    )
    result = SessionResult(row.id, actor.username, secret, row.expires_at)
    with sessions.begin() as session:
        session.add(row)
    return result


def _no_user(username: str) -> NotFoundError:
    return NotFoundError(f"There is no user {username}.", hint="See 'wit-admin user list'.")
