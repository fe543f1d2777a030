"""Sessions: listed and revoked; ``callers`` looks one up by its secret."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import Owner, User, UserSession
from wit_admin.db.paging import EVERYTHING, Span, cut


@dataclass(frozen=True, slots=True)
class SessionListRow:
    """One session in a list, without its secret."""

    id: uuid.UUID
    username: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    ip: str | None
    user_agent: str | None


def list_sessions(
    session: Session, user_id: uuid.UUID | None, now: datetime, *, part: Span = EVERYTHING
) -> list[SessionListRow]:
    """Return the good sessions of one account or of all, the newest first."""
    query = (
        select(
            UserSession.id,
            User.name,
            UserSession.created_at,
            UserSession.expires_at,
            UserSession.last_used_at,
            UserSession.ip,
            UserSession.user_agent,
        )
        .join(User, User.id == UserSession.user_id)
        .where(_is_good(now))
    )
    if user_id is not None:
        query = query.where(UserSession.user_id == user_id)
    rows = session.execute(cut(query, UserSession.id, part, descending=True))
    return [SessionListRow(*row) for row in rows]


def find_account_of(session: Session, session_id: uuid.UUID) -> str | None:
    """Return the name of the account whose session it is, be it revoked or not."""
    query = select(Owner.name).join(UserSession, UserSession.user_id == Owner.id)
    return session.scalars(query.where(UserSession.id == session_id)).one_or_none()


def revoke_session(session: Session, session_id: uuid.UUID, now: datetime) -> bool:
    """Revoke a session; return false if there is none, or it was revoked before."""
    return _revoke(session, UserSession.id == session_id, now) > 0


def revoke_by_digest(
    session: Session, digest: bytes, now: datetime
) -> tuple[uuid.UUID, uuid.UUID, str] | None:
    """Revoke the good session of that secret; return its id and its account's id and name."""
    found = session.execute(
        select(UserSession.id, User.id, User.name)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_digest == digest, _is_good(now))
    ).one_or_none()
    # Of two that revoke it at once, one gets this far.
    if found is None or not _revoke(session, UserSession.id == found[0], now):
        return None
    return found[0], found[1], found[2]


def revoke_all(session: Session, user_id: uuid.UUID, now: datetime) -> int:
    """Revoke all good sessions of an account and return how many those were."""
    return _revoke(session, and_(UserSession.user_id == user_id, _is_good(now)), now)


def _revoke(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    result = session.execute(
        update(UserSession)
        .where(which, UserSession.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(UserSession.id)
    )
    return len(result.all())


def _is_good(now: datetime) -> ColumnElement[bool]:
    return and_(UserSession.expires_at > now, UserSession.revoked_at.is_(None))
