"""Which repositories were pushed to since their commits were indexed by change id."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from wit_admin.db.bulk import upsert
from wit_admin.db.core import execute_core, table_of
from wit_admin.db.models.jj import Change, ChangeCommit, JjSyncState, PushedHeads
from wit_admin.db.models.repositories import Repository
from wit_admin.db.statements import chunks, insert_into


class Pushed(NamedTuple):
    """A repository that was pushed to."""

    disk_path: str
    pushed_at: datetime | None
    heads: list[str] | None
    """Where the indexed history ends; ``None`` if nothing is indexed yet."""


def find(session: Session, repo_id: uuid.UUID) -> Pushed | None:
    """Return a live repository; ``None`` also if jj's own stores are read, which know more."""
    query = (
        select(Repository.disk_path, Repository.pushed_at, PushedHeads.heads)
        .outerjoin(PushedHeads, PushedHeads.repo_id == Repository.id)
        .outerjoin(JjSyncState, JjSyncState.repo_id == Repository.id)
        .where(
            Repository.id == repo_id,
            Repository.deleted_at.is_(None),
            JjSyncState.synced_at.is_(None),
        )
    )
    row = session.execute(query).one_or_none()
    return None if row is None else Pushed(*row)


def list_due(session: Session, *, limit: int) -> Sequence[uuid.UUID]:
    """Return repositories with pushes that are not indexed yet, the longest waiting first."""
    query = (
        select(Repository.id)
        .outerjoin(PushedHeads, PushedHeads.repo_id == Repository.id)
        .outerjoin(JjSyncState, JjSyncState.repo_id == Repository.id)
        .where(
            Repository.pushed_at.is_not(None),
            Repository.deleted_at.is_(None),
            JjSyncState.synced_at.is_(None),
            or_(PushedHeads.pushed_at.is_(None), PushedHeads.pushed_at < Repository.pushed_at),
        )
        .order_by(Repository.pushed_at)
        .limit(limit)
    )
    return session.scalars(query).all()


def lock(session: Session, repo_id: uuid.UUID) -> PushedHeads:
    """Return how far it was indexed, and lock that row until the transaction ends."""
    insert = insert_into(session, table_of(PushedHeads)).on_conflict_do_nothing()
    execute_core(session, insert, [{"repo_id": repo_id, "heads": []}])
    query = select(PushedHeads).where(PushedHeads.repo_id == repo_id).with_for_update()
    return session.scalars(query).one()


def save(session: Session, repo_id: uuid.UUID, heads: list[str], moment: datetime | None) -> None:
    """Store how far it was indexed."""
    values = {"repo_id": repo_id, "heads": heads, "pushed_at": moment}
    upsert(session, PushedHeads, [values])


def hide(
    session: Session,
    repo_id: uuid.UUID,
    commit_ids: Collection[str],
    change_ids: Collection[str],
) -> None:
    """Hide these commits, and these changes, which have no other commits."""
    for chunk in chunks(sorted(commit_ids)):
        session.execute(
            update(ChangeCommit)
            .where(ChangeCommit.repo_id == repo_id, ChangeCommit.commit_id.in_(chunk))
            .values(is_visible=False)
        )
    for chunk in chunks(sorted(change_ids)):
        session.execute(
            update(Change)
            .where(Change.repo_id == repo_id, Change.change_id.in_(chunk))
            .values(is_hidden=True, is_divergent=False)
        )


def list_crowded(
    session: Session, repo_id: uuid.UUID, change_ids: Collection[str], *, most: int
) -> set[str]:
    """Return those of these changes that have more than ``most`` commits."""
    crowded: set[str] = set()
    for chunk in chunks(sorted(change_ids)):
        crowded.update(
            session.scalars(
                select(ChangeCommit.change_id)
                .where(ChangeCommit.repo_id == repo_id, ChangeCommit.change_id.in_(chunk))
                .group_by(ChangeCommit.change_id)
                .having(func.count() > most)
            )
        )
    return crowded


def give_way(connection: Connection, repo_id: uuid.UUID) -> None:
    """Delete what was found in pushes, since jj's own stores are read from now on.

    It waits for those who index a push now; those who come later see that they must not.
    """
    heads, changes = table_of(PushedHeads), table_of(Change)
    # Rows that another transaction adds are not seen before its end; inserting the same key waits.
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    mark = dialect.insert(heads).on_conflict_do_nothing()
    connection.execute(mark, {"repo_id": repo_id, "heads": []})
    connection.execute(delete(heads).where(heads.c.repo_id == repo_id))
    connection.execute(delete(changes).where(changes.c.repo_id == repo_id))
