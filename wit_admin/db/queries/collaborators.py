"""Collaborators: users with permission on one repository."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import User
from wit_admin.db.models.organizations import Permission
from wit_admin.db.models.repositories import Collaborator
from wit_admin.db.queries.permissions import set_permission


@dataclass(frozen=True, slots=True)
class CollaboratorRow:
    """What one user may do."""

    user_id: uuid.UUID
    username: str
    permission: Permission


def set_collaborator(
    session: Session,
    repo_id: uuid.UUID,
    user_id: uuid.UUID,
    permission: Permission,
    *,
    now: datetime,
) -> Permission | None:
    """Set the permission of a collaborator; return what it was before."""
    key = {"repo_id": repo_id, "user_id": user_id}
    return set_permission(session, Collaborator, key, permission, now=now)


def remove_collaborator(
    session: Session, repo_id: uuid.UUID, user_id: uuid.UUID
) -> Permission | None:
    """Remove a collaborator and return their permission; ``None`` if they were none."""
    statement = delete(Collaborator).where(
        Collaborator.repo_id == repo_id, Collaborator.user_id == user_id
    )
    return session.scalars(statement.returning(Collaborator.permission)).one_or_none()


def list_collaborators(session: Session, repo_id: uuid.UUID) -> list[CollaboratorRow]:
    """Return a repository's live collaborators by name."""
    rows = session.execute(
        select(User.id, User.name, Collaborator.permission)
        .join(Collaborator, Collaborator.user_id == User.id)
        .where(Collaborator.repo_id == repo_id, User.deleted_at.is_(None))
        .order_by(User.name_key)
    )
    return [CollaboratorRow(*row) for row in rows]
