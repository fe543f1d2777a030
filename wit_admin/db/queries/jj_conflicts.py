"""Conflicted paths of jj repositories: written by syncs, listed for readers."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.orm import Session

from wit_admin.db.bulk import Values, upsert
from wit_admin.db.core import table_of
from wit_admin.db.models.jj import ChangeCommit, Conflict
from wit_admin.db.paging import Order, Page, PageRequest, fetch_page
from wit_admin.db.statements import chunks

CONFLICTS_BY_CHANGE = Order(
    "jj.conflicts", (Conflict.change_id, Conflict.commit_id, Conflict.file_path)
)
_CONFLICTS = table_of(Conflict)
_IS_OURS = _CONFLICTS.c.repo_id == bindparam("repo")
_IS_TOUCHED = _CONFLICTS.c.change_id.in_(bindparam("change_ids", expanding=True))
_IS_ONE = _CONFLICTS.c.id.in_(bindparam("ids", expanding=True))


class KnownConflict(NamedTuple):
    """A row of a conflict, as a sync finds it."""

    id: uuid.UUID
    change_id: str
    commit_id: str
    file_path: str
    resolved: bool


_ALL = select(*(_CONFLICTS.c[name] for name in KnownConflict._fields)).where(_IS_OURS)
_TOUCHED = _ALL.where(_IS_TOUCHED)
_MARK: dict[str, Any] = {
    "resolved": bindparam("is_resolved"),
    "resolved_at": bindparam("moment"),
}
_MARK_ONES = update(_CONFLICTS).where(_IS_ONE).values(_MARK)
_IS_OPEN = ~_CONFLICTS.c.resolved
_MARK_TOUCHED = update(_CONFLICTS).where(_IS_OURS, _IS_TOUCHED, _IS_OPEN).values(_MARK)
_DELETE = delete(_CONFLICTS).where(_IS_ONE)


@dataclass(frozen=True, slots=True)
class ConflictFilter:
    """Which conflicts are wanted; all conditions must hold; ``None`` is no condition."""

    is_open: bool | None = None
    """Neither resolved nor in a commit that is hidden by now."""
    is_resolved: bool | None = None
    change_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """One path that is conflicted in a commit, or was."""

    change_id: str
    commit_id: str
    file_path: str
    sides: int
    is_resolved: bool
    is_visible: bool
    """Whether the commit still is; a conflict in a hidden one needs no work."""
    created_at: datetime
    resolved_at: datetime | None


def list_known_conflicts(
    connection: Connection, repo_id: uuid.UUID, change_ids: Collection[str] | None
) -> list[KnownConflict]:
    """Return the conflicts of these changes, or of all, resolved ones too."""
    if change_ids is None:
        return [KnownConflict(*row) for row in connection.execute(_ALL, {"repo": repo_id})]
    found: list[KnownConflict] = []
    for chunk in chunks(sorted(change_ids)):
        keys = {"repo": repo_id, "change_ids": chunk}
        found += (KnownConflict(*row) for row in connection.execute(_TOUCHED, keys))
    return found


def add_conflicts(connection: Connection, rows: Sequence[Values]) -> None:
    """Insert conflicts."""
    upsert(connection, Conflict, rows)


def mark_conflicts(
    connection: Connection, ids: Iterable[uuid.UUID], *, resolved_at: datetime | None
) -> None:
    """Mark these conflicts as resolved, or as open if ``resolved_at`` is ``None``."""
    mark = {"is_resolved": resolved_at is not None, "moment": resolved_at}
    for chunk in chunks(sorted(ids)):
        connection.execute(_MARK_ONES, {"ids": chunk, **mark})


def resolve_conflicts(
    connection: Connection, repo_id: uuid.UUID, change_ids: Iterable[str], now: datetime
) -> None:
    """Mark whatever is open in these changes as resolved."""
    mark = {"repo": repo_id, "is_resolved": True, "moment": now}
    for chunk in chunks(sorted(change_ids)):
        connection.execute(_MARK_TOUCHED, {"change_ids": chunk, **mark})


def delete_conflicts(connection: Connection, ids: Iterable[uuid.UUID]) -> None:
    """Remove these conflicts."""
    for chunk in chunks(sorted(ids)):
        connection.execute(_DELETE, {"ids": chunk})


def list_conflicts(
    session: Session, repo_id: uuid.UUID, wanted: ConflictFilter, at: PageRequest
) -> Page[ConflictRow]:
    """Return a page of the conflicts that are ``wanted``, by change, commit and path."""
    query = (
        select(
            Conflict.change_id,
            Conflict.commit_id,
            Conflict.file_path,
            Conflict.sides,
            Conflict.resolved,
            ChangeCommit.is_visible.is_(True),
            Conflict.created_at,
            Conflict.resolved_at,
        )
        .outerjoin(
            ChangeCommit,
            (ChangeCommit.repo_id == Conflict.repo_id)
            & (ChangeCommit.commit_id == Conflict.commit_id),
        )
        .where(Conflict.repo_id == repo_id)
    )
    is_open = ~Conflict.resolved & ChangeCommit.is_visible.is_(True)
    if wanted.is_open is not None:
        query = query.where(is_open if wanted.is_open else ~is_open)
    if wanted.is_resolved is not None:
        query = query.where(Conflict.resolved == wanted.is_resolved)
    if wanted.change_id is not None:
        query = query.where(Conflict.change_id == wanted.change_id)
    return fetch_page(session, query, CONFLICTS_BY_CHANGE, at, ConflictRow)
