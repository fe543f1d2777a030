"""Sessions: created by a password or by an administrator, listed, revoked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.accounts import UserSession
from wit_admin.db.paging import EVERYTHING, Span
from wit_admin.db.queries import callers
from wit_admin.db.queries import sessions as queries
from wit_admin.errors import ConflictError, NotFoundError, UnauthenticatedError
from wit_admin.services.access.actors import Actor, Client, Credentials
from wit_admin.services.access.attempts import Attempt
from wit_admin.services.access.authentication import authenticate, authenticate_password
from wit_admin.services.access.credentials import (
    SESSION_PREFIX,
    PasswordChecker,
    digest_secret,
    new_secret,
)
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, http_origin, record
from wit_admin.services.lookups import get_account, get_user
from wit_admin.services.plans import Action, Plan


@dataclass(frozen=True, slots=True)
class SessionResult:
    """A new session; its secret is known only now."""

    id: uuid.UUID
    username: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EndSession(Action):
    """End one session of an account."""

    session_id: uuid.UUID
    username: str
    created_at: datetime
    kind = "revoke"

    @property
    def target(self) -> str:
        """The account's name."""
        return self.username

    @property
    def sentence(self) -> str:
        """Which session it is."""
        return f"Its session {self.session_id} of {self.created_at:%Y-%m-%d %H:%M} UTC ends."


class LoginSessions:
    """Creates, recognises and ends the sessions of accounts over HTTP."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        checker: PasswordChecker | None = None,
        *,
        lifetime: timedelta,
    ) -> None:
        self._sessions = sessions
        self._lifetime = lifetime
        self._checker = checker or PasswordChecker()

    def log_in(self, username: str, password: str, client: Client) -> SessionResult:
        """Create a session for a user name and password.

        Raises:
            UnauthenticatedError: Unknown name, wrong password, or an account that may not sign
                in; neither the sentence nor the time taken tells which.
            TooManyAttemptsError: Too many passwords were wrong.
        """
        actor = authenticate_password(
            self._sessions, self._checker, Attempt(username, client.ip), password
        )
        if actor is None:
            raise UnauthenticatedError("The user name or the password is wrong.")
        by = http_origin(actor, client)
        return _create(self._sessions, actor, self._lifetime, client, by=by)

    def log_out(self, credentials: Credentials, client: Client | None = None) -> None:
        """Revoke the session whose secret is ``credentials``, in every worker at once.

        Raises:
            UnauthenticatedError: It is not a session, or one that ended before.
        """
        now = utc_now()
        with self._sessions.begin() as session:
            ended = queries.revoke_by_digest(session, digest_secret(credentials.secret), now)
            if ended is None:
                raise UnauthenticatedError(
                    "These credentials are not a session.",
                    hint="Send the session that is to end as Bearer.",
                )
            session_id, user_id, username = ended
            actor = Actor(user_id, username, session_id=session_id)
            by = http_origin(actor, client or Client())
            record(session, _revocation(session_id, username, now), by=by)

    def recognise(self, credentials: Credentials) -> Actor:
        """Return who is asking.

        Raises:
            UnauthenticatedError: Nobody with these credentials may sign in now.
        """
        return authenticate(self._sessions, self._checker, credentials)


def create_session(
    sessions: sessionmaker[Session],
    username: str,
    *,
    lifetime: timedelta,
    by: Origin = SYSTEM,
) -> SessionResult:
    """Create a session without a password; only the digest of its secret is stored.

    Raises:
        NotFoundError: There is no such account.
        ConflictError: It may not sign in.
    """
    with sessions() as session:
        name = get_account(session, username).name
        account = callers.find_account(session, name)
    if account is None:
        raise ConflictError(f"{name} is blocked and cannot sign in.")
    actor = Actor(account.user_id, account.username, account.is_admin)
    return _create(sessions, actor, lifetime, Client(user_agent="wit-admin"), by=by)


def list_sessions(
    sessions: sessionmaker[Session], username: str | None, *, part: Span = EVERYTHING
) -> list[queries.SessionListRow]:
    """Return the valid sessions, the newest first, of one account or of all.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions() as session:
        user_id = None if username is None else get_user(session, username).id
        return queries.list_sessions(session, user_id, utc_now(), part=part)


def revoke_session(
    sessions: sessionmaker[Session], session_id: uuid.UUID, *, by: Origin = SYSTEM
) -> None:
    """Revoke a session at once, in every worker; revoking it again changes nothing.

    Raises:
        NotFoundError: There is no such session.
    """
    now = utc_now()
    with sessions.begin() as session:
        username = _get_account_of(session, session_id)
        if queries.revoke_session(session, session_id, now):
            record(session, _revocation(session_id, username, now), by=by)


def revoke_sessions_of(
    sessions: sessionmaker[Session], username: str, *, by: Origin = SYSTEM
) -> int:
    """Revoke all sessions of an account and return how many of them were valid.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions.begin() as session:
        user_id = get_user(session, username).id
        count = queries.revoke_all(session, user_id, utc_now())
        if count:
            event = Event("user.sign_out", "user", user_id, username, after={"sessions": count})
            record(session, event, by=by)
        return count


def plan_revocation(
    sessions: sessionmaker[Session], *, session_id: uuid.UUID | None = None, username: str | None
) -> Plan[EndSession]:
    """Return which valid sessions would end: one, or all of an account.

    Raises:
        NotFoundError: There is no such session, or account.
    """
    if session_id is not None:
        with sessions() as session:
            username = _get_account_of(session, session_id)
    rows = list_sessions(sessions, username)
    wanted = [row for row in rows if session_id in {None, row.id}]
    return Plan(tuple(EndSession(row.id, row.username, row.created_at) for row in wanted))


def _get_account_of(session: Session, session_id: uuid.UUID) -> str:
    username = queries.find_account_of(session, session_id)
    if username is None:
        raise NotFoundError(
            f"There is no session {session_id}.", hint="See 'wit-admin session list'."
        )
    return username


def _revocation(session_id: uuid.UUID, username: str, now: datetime) -> Event:
    was, is_now = {"revoked_at": None}, {"revoked_at": now}
    return Event("session.revoke", "session", session_id, username, was, is_now)


def _create(
    sessions: sessionmaker[Session],
    actor: Actor,
    lifetime: timedelta,
    client: Client,
    *,
    by: Origin,
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
        session.flush()
        made = {"expires_at": row.expires_at, "ip": client.ip}
        record(
            session, Event("session.create", "session", row.id, actor.username, after=made), by=by
        )
    return result
