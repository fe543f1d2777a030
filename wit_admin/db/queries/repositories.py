"""Repositories as rows: found by id and name, listed, made, changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.names import RepoName, name_key


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """One repository in a list."""

    id: uuid.UUID
    owner: str
    name: str
    visibility: Visibility
    default_branch: str
    pushed_at: datetime | None


def find_repository_id(session: Session, name: RepoName) -> uuid.UUID | None:
    """Return the id of the live repository of that name."""
    owner_key, repo_key = name.key
    return session.scalars(
        select(Repository.id)
        .join(Owner, Owner.id == Repository.owner_id)
        .where(
            Owner.name_key == owner_key,
            Owner.deleted_at.is_(None),
            Repository.name_key == repo_key,
            Repository.deleted_at.is_(None),
        )
    ).one_or_none()


def find_place(session: Session, owner_id: uuid.UUID, name: str) -> tuple[uuid.UUID, str] | None:
    """Return the id and the disk path of the owner's live repository of that name."""
    row = session.execute(
        select(Repository.id, Repository.disk_path).where(
            Repository.owner_id == owner_id,
            Repository.name_key == name_key(name),
            Repository.deleted_at.is_(None),
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def list_repositories(session: Session) -> list[RepositoryRow]:
    """Return all live repositories by name."""
    rows = session.execute(
        select(
            Repository.id,
            Owner.name,
            Repository.name,
            Repository.visibility,
            Repository.default_branch,
            Repository.pushed_at,
        )
        .join(Owner, Owner.id == Repository.owner_id)
        .where(Repository.deleted_at.is_(None))
        .order_by(Owner.name_key, Repository.name_key)
    )
    return [RepositoryRow(*row) for row in rows.tuples()]
