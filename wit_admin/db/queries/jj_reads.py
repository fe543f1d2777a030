"""Operations, bookmarks and conflicts of a jj repository as the database has them, and of when."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.models.jj import (
    Bookmark,
    ChangeCommit,
    Conflict,
    JjOperation,
    JjSyncState,
    PushedHeads,
)
from wit_admin.db.paging import AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries.jj_changes import MOST_DESCRIPTION
from wit_admin.db.queries.jj_prefixes import neighbours, shortest_prefix
from wit_admin.db.queries.reconcile import chunks

NEWEST_OPERATIONS = Order(
    "jj.operations", (JjOperation.ended_at, JjOperation.operation_id), descending=True
)
BOOKMARKS_BY_NAME = Order("jj.bookmarks", (Bookmark.name, Bookmark.remote))
CONFLICTS_BY_CHANGE = Order(
    "jj.conflicts", (Conflict.change_id, Conflict.commit_id, Conflict.file_path)
)


@dataclass(frozen=True, slots=True)
class SyncState:
    """Up to where the rows of a repository are."""

    path: str
    op_heads: tuple[str, ...]
    synced_at: datetime | None
    """``None`` if it never came to an end."""
    error: str | None
    """What the last attempt failed of."""


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations are wanted; all conditions must hold, ``None`` asks for nothing."""

    kind: str | None = None
    is_undone: bool | None = None
    is_snapshot: bool | None = None


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One entry of the operation log."""

    operation_id: str
    operation_prefix: str
    """As much of its id as is enough to name it in this repository."""
    parents: tuple[str, ...]
    view_id: str
    operation_type: str
    description: str
    hostname: str | None
    username: str | None
    started_at: datetime
    ended_at: datetime
    is_snapshot: bool
    is_undone: bool
    tags: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class BookmarkFilter:
    """Which bookmarks are wanted; all conditions must hold, ``None`` asks for nothing."""

    remote: str | None = None
    """Of this remote only; of none if empty."""
    text: str | None = None
    """In the name; the case of ASCII letters does not matter."""
    is_conflicted: bool | None = None


@dataclass(frozen=True, slots=True)
class BookmarkRow:
    """One bookmark, local or on a remote."""

    name: str
    remote: str
    target_commit_id: str | None
    target_change_id: str | None
    terms: tuple[str | None, ...]
    """All terms of its target, adds and removes in turn; ``None`` is absent."""
    is_conflicted: bool
    is_tracked: bool
    is_default: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ConflictFilter:
    """Which conflicts are wanted; all conditions must hold, ``None`` asks for nothing."""

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
    """Whether the commit still is; a conflict in a hidden one needs nobody's work."""
    created_at: datetime
    resolved_at: datetime | None


def find_state(session: Session, repo_id: uuid.UUID) -> SyncState | None:
    """Return up to where the rows of a repository are; ``None`` if no sync ever began."""
    query = select(
        JjSyncState.path, JjSyncState.op_heads, JjSyncState.synced_at, JjSyncState.error
    ).where(JjSyncState.repo_id == repo_id)
    row = session.execute(query).one_or_none()
    return None if row is None else SyncState(row[0], tuple(row[1]), row[2], row[3])


def find_moment(session: Session, repo_id: uuid.UUID) -> tuple[tuple[str, ...], ...] | None:
    """Return what is another one whenever the rows are; ``None`` before there can be any."""
    state = find_state(session, repo_id)
    pushed = select(PushedHeads.heads).where(
        PushedHeads.repo_id == repo_id, PushedHeads.pushed_at.is_not(None)
    )
    heads = session.scalars(pushed).one_or_none()
    if heads is None and (state is None or state.synced_at is None):
        return None
    return (state.op_heads if state is not None else (), tuple(heads or ()))


def list_operations(
    session: Session, repo_id: uuid.UUID, wanted: OperationFilter, at: PageRequest
) -> Page[OperationRow]:
    """Return a page of the operations that are ``wanted``, the latest end first."""
    exact: dict[Any, Any] = {
        JjOperation.operation_type: wanted.kind,
        JjOperation.is_undone: wanted.is_undone,
        JjOperation.is_snapshot: wanted.is_snapshot,
    }
    query = _operations(repo_id).where(
        *(column == value for column, value in exact.items() if value is not None)
    )
    return fetch_page(session, query, NEWEST_OPERATIONS, at, _operation)


def list_operations_by_id(
    session: Session, repo_id: uuid.UUID, operation_ids: Sequence[str]
) -> list[OperationRow]:
    """Return those of these operations that have a row, in no order."""
    found: list[OperationRow] = []
    for chunk in chunks(operation_ids):
        query = _operations(repo_id).where(JjOperation.operation_id.in_(chunk))
        found += (_operation(*row) for row in session.execute(query))
    return found


def list_bookmarks(
    session: Session, repo_id: uuid.UUID, wanted: BookmarkFilter, at: PageRequest
) -> Page[BookmarkRow]:
    """Return a page of the bookmarks that are ``wanted``, by name, the local one first."""
    query = _bookmarks(repo_id)
    if wanted.remote is not None:
        query = query.where(Bookmark.remote == wanted.remote)
    if wanted.text is not None:
        query = query.where(Bookmark.name.icontains(wanted.text, autoescape=True))
    if wanted.is_conflicted is not None:
        query = query.where(Bookmark.is_conflicted == wanted.is_conflicted)
    return fetch_page(session, query, BOOKMARKS_BY_NAME, at, _bookmark)


def list_bookmarks_named(session: Session, repo_id: uuid.UUID, name: str) -> list[BookmarkRow]:
    """Return the bookmarks of that name: the local one and those of remotes."""
    query = _bookmarks(repo_id).where(Bookmark.name == name)
    return [_bookmark(*row) for row in session.execute(query.order_by(Bookmark.remote))]


def list_bookmarks_at(
    session: Session, repo_id: uuid.UUID, change_ids: Sequence[str]
) -> list[BookmarkRow]:
    """Return bookmarks that point to these changes, and all conflicted ones, by name."""
    found: dict[tuple[str, str], BookmarkRow] = {}
    conditions = [Bookmark.target_change_id.in_(chunk) for chunk in chunks(change_ids)]
    for condition in (*conditions, Bookmark.is_conflicted):
        rows = (_bookmark(*row) for row in session.execute(_bookmarks(repo_id).where(condition)))
        found.update(((row.name, row.remote), row) for row in rows)
    return [found[key] for key in sorted(found)]


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


def _operations(repo_id: uuid.UUID) -> AnySelect:
    operation = aliased(JjOperation)
    return select(
        JjOperation.operation_id,
        JjOperation.parents,
        JjOperation.view_id,
        JjOperation.operation_type,
        func.substr(JjOperation.description, 1, MOST_DESCRIPTION),
        JjOperation.hostname,
        JjOperation.username,
        JjOperation.started_at,
        JjOperation.ended_at,
        JjOperation.is_snapshot,
        JjOperation.is_undone,
        JjOperation.tags,
        *neighbours(operation.operation_id, operation.repo_id, JjOperation.operation_id),
    ).where(JjOperation.repo_id == repo_id)


def _operation(operation_id: str, parents: list[str], *columns: Any) -> OperationRow:
    *facts, before, after = columns
    prefix = shortest_prefix(operation_id, before, after)
    return OperationRow(operation_id, prefix, tuple(parents), *facts)


def _bookmarks(repo_id: uuid.UUID) -> AnySelect:
    return select(
        Bookmark.name,
        Bookmark.remote,
        Bookmark.target_commit_id,
        Bookmark.target_change_id,
        Bookmark.target_terms,
        Bookmark.is_conflicted,
        Bookmark.is_tracked,
        Bookmark.is_default,
        Bookmark.updated_at,
    ).where(Bookmark.repo_id == repo_id)


def _bookmark(name: str, remote: str, commit: Any, change: Any, *rest: Any) -> BookmarkRow:
    terms, *flags = rest
    return BookmarkRow(name, remote, commit, change, tuple(terms), *flags)
