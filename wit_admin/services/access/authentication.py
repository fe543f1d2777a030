"""Authenticates tokens, sessions and passwords; only a successful argon2 check is cached."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.queries import callers
from wit_admin.errors import UnauthenticatedError
from wit_admin.services.access.actors import Actor, Credentials, Scope
from wit_admin.services.access.attempts import Attempt
from wit_admin.services.access.credentials import (
    SESSION_PREFIX,
    TOKEN_PREFIX,
    PasswordChecker,
    digest_secret,
    is_bearer_secret,
)

_NOTE_USE_EVERY = timedelta(minutes=5)


def authenticate(
    sessions: sessionmaker[Session], checker: PasswordChecker, credentials: Credentials
) -> Actor:
    """Return the account behind ``credentials``.

    A token or a session may be given as the password, as the user name (with any password), or
    after ``Bearer``.

    Raises:
        UnauthenticatedError: Nobody with these credentials may sign in now. The message does not
            say which part was wrong.
        TooManyAttemptsError: Too many passwords were wrong.
        UnavailableError: The database cannot be reached.
    """
    actor = None
    for secret in bearer_secrets(credentials):
        actor = _of_session(sessions, secret) or _of_token(sessions, secret)
        if actor is not None:
            return actor
    username = credentials.username or ""
    is_bearer = credentials.is_bearer or any(map(is_bearer_secret, (credentials.secret, username)))
    # A program that keeps using an expired token must not use up the password attempts of its
    # owner, or of its address.
    if username and not is_bearer:
        attempt = Attempt(username, credentials.address)
        actor = authenticate_password(sessions, checker, attempt, credentials.secret)
    if actor is None:
        raise UnauthenticatedError(
            "These credentials are not valid.",
            hint="Use your user name with your password or an access token.",
        )
    return actor


def bearer_secrets(credentials: Credentials) -> list[str]:
    """Return the parts of the credentials that look like a token or a session."""
    candidates = [credentials.secret, credentials.username or ""]
    return [text for text in candidates if text.startswith((TOKEN_PREFIX, SESSION_PREFIX))]


def _of_session(sessions: sessionmaker[Session], secret: str) -> Actor | None:
    if not secret.startswith(SESSION_PREFIX):
        return None
    now = utc_now()
    with sessions() as session:
        found = callers.find_session(session, digest_secret(secret), now)
    if found is None:
        return None
    if _is_worth_noting(found.last_used_at, now):
        with sessions.begin() as session:
            callers.touch_session(session, found.session_id, now, at_most_every=_NOTE_USE_EVERY)
    account = found.account
    return Actor(account.user_id, account.username, account.is_admin, session_id=found.session_id)


def _of_token(sessions: sessionmaker[Session], secret: str) -> Actor | None:
    if not secret.startswith(TOKEN_PREFIX):
        return None
    now = utc_now()
    with sessions() as session:
        token = callers.find_token(session, digest_secret(secret), now)
    if token is None:
        return None
    if _is_worth_noting(token.last_used_at, now):
        with sessions.begin() as session:
            callers.touch_token(session, token.token_id, now, at_most_every=_NOTE_USE_EVERY)
    return actor_of_token(token)


def actor_of_token(token: callers.TokenRow) -> Actor:
    """Return the account of a valid token, with the token's limits."""
    scopes = frozenset(token.scopes.split())
    return Actor(
        token.account.user_id,
        token.account.username,
        is_admin=token.account.is_admin and Scope.ADMIN in scopes,
        token_id=token.token_id,
        scopes=scopes,
        repo_ids=token.repo_ids or None,
        ref_pattern=token.ref_pattern,
    )


def _is_worth_noting(last_used_at: datetime | None, now: datetime) -> bool:
    # A write per request would make every clone wait for the disk; every five minutes suffices.
    return last_used_at is None or now - last_used_at > _NOTE_USE_EVERY


def authenticate_password(
    sessions: sessionmaker[Session], checker: PasswordChecker, attempt: Attempt, password: str
) -> Actor | None:
    """Return the account of that name if it may sign in and the password is right.

    Raises:
        TooManyAttemptsError: Too many passwords were wrong.
    """
    with sessions() as session:
        account = callers.find_account(session, attempt.account)
    password_hash = account.password_hash if account else None
    # Also for an unknown name, so that the time does not reveal which names exist.
    if not checker.check(password_hash, password, attempt) or account is None:
        return None
    return Actor(account.user_id, account.username, account.is_admin)
