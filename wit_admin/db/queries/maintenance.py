"""Repositories as maintenance (gc) needs them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import Repository


class LiveRepository(NamedTuple):
    """A live repository and its folder."""

    id: uuid.UUID
    owner: str
    name: str
    disk_path: str
    forks_count: int


def iter_repositories(
    session: Session, ids: Sequence[uuid.UUID] | None = None
) -> Iterator[LiveRepository]:
    """Yield the live repositories of these ids, or all, by name."""
    query = (
        select(
            Repository.id,
            Owner.name,
            Repository.name,
            Repository.disk_path,
            Repository.forks_count,
        )
        .join(Owner, Owner.id == Repository.owner_id)
        .where(Repository.deleted_at.is_(None))
        .order_by(Owner.name_key, Repository.name_key)
    )
    if ids is not None:
        query = query.where(Repository.id.in_(ids))
    for row in session.execute(query):
        yield LiveRepository(*row)


def store_size(session: Session, repo_id: uuid.UUID, size_bytes: int) -> None:
    """Store how large a repository is; its ``updated_at`` stays."""
    session.execute(
        update(Repository)
        .where(Repository.id == repo_id)
        .values(size_bytes=size_bytes, updated_at=Repository.updated_at)
        .execution_options(synchronize_session=False)
    )
