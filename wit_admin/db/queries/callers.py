"""Looks up credentials on every request: one statement each, plain columns, no ORM rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, or_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import (
    AccessToken,
    AccessTokenRepository,
    User,
    UserSession,
)
from wit_admin.names import name_key


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as signing in needs it."""

    user_id: uuid.UUID
    username: str
    is_admin: bool
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An access token that is good now, and its account."""

    account: AccountRow
    token_id: uuid.UUID
    scopes: str
    ref_pattern: str | None
    repo_ids: frozenset[uuid.UUID]
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that is good now, and its account."""

    account: AccountRow
    session_id: uuid.UUID
    last_used_at: datetime | None


def find_account(session: Session, username: str) -> AccountRow | None:
    """Return the account of that name if it may sign in: live, not blocked, no placeholder."""
    row = (
        session.connection()
        .execute(_account_by_name(), {"name_key": name_key(username)})
        .one_or_none()
    )
    return None if row is None else AccountRow(row[0], row[1], row[2], row[3])


def find_session(session: Session, digest: bytes, now: datetime) -> SessionRow | None:
    """Return the session and its account, if it is neither expired nor revoked."""
    row = (
        session.connection()
        .execute(_account_by_session(), {"digest": digest, "now": now})
        .one_or_none()
    )
    if row is None:
        return None
    account = AccountRow(row[0], row[1], row[2], None)
    return SessionRow(account, session_id=row[3], last_used_at=row[4])


def find_token(session: Session, key: bytes | uuid.UUID, now: datetime) -> TokenRow | None:
    """Return the token and its account, if it is neither expired nor revoked.

    Nor is one returned whose repositories are all gone. ``key`` is the digest of its secret, or the
    id of its row.
    """
    statement = _account_by_token(by_digest=isinstance(key, bytes))
    # One for each repository that it is limited to.
    rows = session.connection().execute(statement, {"key": key, "now": now}).all()
    if not rows:
        return None
    row = rows[0]
    repo_ids = frozenset(each[8] for each in rows if each[8] is not None)
    if row[7] and not repo_ids:
        return None
    return TokenRow(
        AccountRow(row[0], row[1], row[2], None),
        token_id=row[3],
        scopes=row[4],
        ref_pattern=row[5],
        repo_ids=repo_ids,
        last_used_at=row[6],
    )


def touch_token(
    session: Session, token_id: uuid.UUID, now: datetime, *, at_most_every: timedelta
) -> None:
    """Store that the token was used now, unless that was stored within ``at_most_every``."""
    _touch(session, AccessToken, token_id, now, at_most_every)


def touch_session(
    session: Session, session_id: uuid.UUID, now: datetime, *, at_most_every: timedelta
) -> None:
    """Store that the session was used now, unless that was stored within ``at_most_every``."""
    _touch(session, UserSession, session_id, now, at_most_every)


def _touch(
    session: Session,
    kind: type[AccessToken | UserSession],
    identifier: uuid.UUID,
    now: datetime,
    at_most_every: timedelta,
) -> None:
    is_due = or_(kind.last_used_at.is_(None), kind.last_used_at < now - at_most_every)
    session.execute(update(kind).where(kind.id == identifier, is_due).values(last_used_at=now))


# Statements are built once: building one takes as long as running it three times.


@cache
def _account_by_name() -> Select[*tuple[Any, ...]]:
    return select(User.id, User.name, User.is_admin, User.password_hash).where(
        User.name_key == bindparam("name_key"), *_may_sign_in()
    )


@cache
def _account_by_session() -> Select[*tuple[Any, ...]]:
    return (
        select(User.id, User.name, User.is_admin, UserSession.id, UserSession.last_used_at)
        .join(UserSession, UserSession.user_id == User.id)
        .where(
            UserSession.token_digest == bindparam("digest"),
            UserSession.expires_at > bindparam("now"),
            UserSession.revoked_at.is_(None),
            *_may_sign_in(),
        )
    )


@cache
def _account_by_token(*, by_digest: bool) -> Select[*tuple[Any, ...]]:
    key = AccessToken.digest if by_digest else AccessToken.id
    return (
        select(
            User.id,
            User.name,
            User.is_admin,
            AccessToken.id,
            AccessToken.scopes,
            AccessToken.ref_pattern,
            AccessToken.last_used_at,
            AccessToken.is_limited,
            AccessTokenRepository.repo_id,
        )
        .join(AccessToken, AccessToken.user_id == User.id)
        .outerjoin(AccessTokenRepository, AccessTokenRepository.token_id == AccessToken.id)
        .where(
            key == bindparam("key"),
            or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > bindparam("now")),
            AccessToken.revoked_at.is_(None),
            *_may_sign_in(),
        )
    )


def _may_sign_in() -> tuple[ColumnElement[bool], ...]:
    return (
        User.deleted_at.is_(None),
        User.blocked_at.is_(None),
        User.is_placeholder.is_(False),
    )
