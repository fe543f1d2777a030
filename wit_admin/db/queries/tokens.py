"""Access tokens as their owners and operators see them; signing in with one is in serving.py."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import AccessToken, User
from wit_admin.names import name_key


@dataclass(frozen=True, slots=True)
class TokenListRow:
    """One access token in a list; ``hint`` is the end of its secret."""

    id: uuid.UUID
    username: str
    name: str
    hint: str
    scopes: str
    expires_at: datetime | None
    last_used_at: datetime | None


def list_tokens(session: Session, username: str | None) -> list[TokenListRow]:
    """Return tokens that are not revoked, oldest first."""
    query = (
        select(
            AccessToken.id,
            User.name,
            AccessToken.name,
            AccessToken.hint,
            AccessToken.scopes,
            AccessToken.expires_at,
            AccessToken.last_used_at,
        )
        .join(User, User.id == AccessToken.user_id)
        .where(AccessToken.revoked_at.is_(None))
        .order_by(AccessToken.id)
    )
    if username is not None:
        query = query.where(User.name_key == name_key(username))
    return [TokenListRow(*row) for row in session.execute(query)]


def revoke_token(session: Session, token_id: uuid.UUID, now: datetime) -> bool:
    """Revoke a token, keeping the time of the first time; false if there is none."""
    result = session.execute(
        update(AccessToken)
        .where(AccessToken.id == token_id)
        .values(revoked_at=func.coalesce(AccessToken.revoked_at, now))
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
