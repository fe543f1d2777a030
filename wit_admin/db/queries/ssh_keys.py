"""Public keys that users push with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import SshKey, User
from wit_admin.db.statements import refuse_duplicates


@dataclass(frozen=True, slots=True)
class NewSshKey:
    """A key as its owner hands it in."""

    user_id: uuid.UUID
    name: str
    public_key: str
    fingerprint: str


def add_ssh_key(session: Session, new: NewSshKey, *, now: datetime) -> SshKey:
    """Add the public key of a user, which no other user may have.

    Raises:
        ConflictError: The key is in use already, by this account or another.
    """
    key = SshKey(
        id=new_id(),
        user_id=new.user_id,
        name=new.name,
        public_key=new.public_key,
        fingerprint=new.fingerprint,
        created_at=now,
    )
    with refuse_duplicates(session, f"The key {new.fingerprint} is in use already."):
        session.add(key)
    return key


def list_ssh_keys(session: Session, user_id: uuid.UUID) -> list[SshKey]:
    """Return a user's keys, oldest first."""
    query = select(SshKey).where(SshKey.user_id == user_id)
    return list(session.scalars(query.order_by(SshKey.created_at, SshKey.id)))


def find_ssh_key(session: Session, fingerprint: str) -> SshKey | None:
    """Return the key of that fingerprint, if its account is live and not blocked."""
    return session.scalars(
        select(SshKey)
        .join(User, User.id == SshKey.user_id)
        .where(
            SshKey.fingerprint == fingerprint,
            User.deleted_at.is_(None),
            User.blocked_at.is_(None),
        )
    ).one_or_none()


def remove_ssh_key(session: Session, user_id: uuid.UUID, key_id: uuid.UUID) -> bool:
    """Remove one of a user's keys; return false if the user has no such key."""
    statement = delete(SshKey).where(SshKey.id == key_id, SshKey.user_id == user_id)
    return session.execute(statement.returning(SshKey.id)).first() is not None
