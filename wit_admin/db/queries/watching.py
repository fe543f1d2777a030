"""Which repositories are watched for what jj does in them, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import first_id_at
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.jj import JjSyncState
from wit_admin.db.models.repositories import Repository
from wit_admin.db.statements import insert_new


class Watchable(NamedTuple):
    """A live repository, whether or not jj was ever used in it."""

    id: uuid.UUID
    owner: str
    name: str
    disk_path: str
    is_watched: bool | None
    """``None`` if the repository has no row in ``jj_sync_state``."""
    op_heads: list[str] | None
    synced_at: datetime | None
    failures: int | None
    error: str | None
    next_attempt_at: datetime | None


def iter_watchable(session: Session) -> Iterator[Watchable]:
    """Yield all live repositories, by name."""
    query = _watchable().order_by(Owner.name_key, Repository.name_key)
    for row in session.execute(query).yield_per(1000):
        yield Watchable(*row)


def list_watchable(session: Session, ids: Sequence[uuid.UUID]) -> list[Watchable]:
    """Return the live ones of a few repositories, in no order."""
    query = _watchable().where(Repository.id.in_(ids))
    return [Watchable(*row) for row in session.execute(query)]


def set_watched(session: Session, repo_id: uuid.UUID, *, is_watched: bool, path: str) -> bool:
    """Store whether a repository is to be watched; return whether that is a change.

    A repository without a row is watched.
    """
    values: dict[str, Any] = {"path": path, "op_heads": [], "failures": 0}
    if insert_new(session, JjSyncState, repo_id=repo_id, is_watched=is_watched, **values):
        return not is_watched
    changed = session.execute(
        update(JjSyncState)
        .where(JjSyncState.repo_id == repo_id, JjSyncState.is_watched != is_watched)
        .values(is_watched=is_watched)
        .returning(JjSyncState.repo_id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def record_failure(
    session: Session,
    repo_id: uuid.UUID,
    *,
    path: str,
    error: str,
    next_attempt_at: datetime | None,
) -> None:
    """Count a failed attempt, and store its reason."""
    values: dict[str, Any] = {"op_heads": [], "failures": 0, "is_watched": True}
    insert_new(session, JjSyncState, repo_id=repo_id, path=path, **values)
    session.execute(
        update(JjSyncState)
        .where(JjSyncState.repo_id == repo_id)
        .values(
            failures=JjSyncState.failures + 1,
            error=error,
            next_attempt_at=next_attempt_at,
        )
        .execution_options(synchronize_session=False)
    )


def clear_failure(session: Session, repo_id: uuid.UUID) -> None:
    """Store that the last attempt succeeded, if it had nothing else to write."""
    session.execute(
        update(JjSyncState)
        .where(JjSyncState.repo_id == repo_id, JjSyncState.failures > 0)
        .values(failures=0, error=None, next_attempt_at=None)
        .execution_options(synchronize_session=False)
    )


def _watchable() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Repository.id,
            Owner.name,
            Repository.name,
            Repository.disk_path,
            JjSyncState.is_watched,
            JjSyncState.op_heads,
            JjSyncState.synced_at,
            JjSyncState.failures,
            JjSyncState.error,
            JjSyncState.next_attempt_at,
        )
        .join(Owner, Owner.id == Repository.owner_id)
        .outerjoin(JjSyncState, JjSyncState.repo_id == Repository.id)
        .where(Repository.deleted_at.is_(None))
    )


class Place(NamedTuple):
    """What a watcher has to know of a repository, deleted or not."""

    id: uuid.UUID
    owner: str
    name: str
    disk_path: str
    is_live: bool
    is_watched: bool | None
    op_heads: list[str] | None
    failures: int | None


def iter_places(session: Session) -> Iterator[Place]:
    """Yield all live repositories, in no order."""
    query = _PLACES.where(Repository.deleted_at.is_(None))
    for row in session.execute(query).yield_per(1000):
        yield Place(*row)


def list_places_since(session: Session, moment: datetime) -> list[Place]:
    """Return the repositories that were made, changed or deleted since then."""
    query = _PLACES.where(
        # What was made has a new id, whatever is said of when it was.
        or_(Repository.updated_at >= moment, Repository.id >= first_id_at(moment))
    )
    return [Place(*row) for row in session.execute(query)]


def list_places(session: Session, ids: Sequence[uuid.UUID]) -> list[Place]:
    """Return the repositories of these ids."""
    return [Place(*row) for row in session.execute(_PLACES.where(Repository.id.in_(ids)))]


def list_unwatched(session: Session) -> frozenset[uuid.UUID]:
    """Return the repositories that were taken off the list."""
    query = select(JjSyncState.repo_id).where(JjSyncState.is_watched.is_(False))
    return frozenset(session.scalars(query))


_PLACES: Select[*tuple[Any, ...]] = (
    select(
        Repository.id,
        Owner.name,
        Repository.name,
        Repository.disk_path,
        Repository.deleted_at.is_(None),
        JjSyncState.is_watched,
        JjSyncState.op_heads,
        JjSyncState.failures,
    )
    .join(Owner, Owner.id == Repository.owner_id)
    .outerjoin(JjSyncState, JjSyncState.repo_id == Repository.id)
)
