"""Accounts of people and programs, by id, name and address."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import User
from wit_admin.names import name_key


@dataclass(frozen=True, slots=True)
class UserRow:
    """One account in a list."""

    id: uuid.UUID
    username: str
    email: str | None
    is_admin: bool
    created_at: datetime


def list_users(session: Session) -> list[UserRow]:
    """Return all live accounts by name."""
    rows = session.execute(
        select(User.id, User.name, User.email, User.is_admin, User.created_at)
        .where(User.deleted_at.is_(None))
        .order_by(User.name_key)
    )
    return [UserRow(*row) for row in rows.tuples()]


def find_user_id(session: Session, username: str) -> uuid.UUID | None:
    """Return the id of the live account of that name."""
    return session.scalars(
        select(User.id).where(User.name_key == name_key(username), User.deleted_at.is_(None))
    ).one_or_none()
