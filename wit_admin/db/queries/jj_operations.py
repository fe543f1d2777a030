"""The operation log of jj repositories: written by syncs, listed for readers."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from wit_admin.db.bulk import Values, upsert
from wit_admin.db.core import table_of
from wit_admin.db.models.jj import JjOperation
from wit_admin.db.paging import AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries.jj_changes import MAX_DESCRIPTION_CHARACTERS
from wit_admin.db.queries.jj_prefixes import neighbours, shortest_prefix
from wit_admin.db.statements import chunks, equalities

NEWEST_OPERATIONS = Order(
    "jj.operations", (JjOperation.ended_at, JjOperation.operation_id), descending=True
)

_OPERATIONS = table_of(JjOperation)
_IS_OURS = _OPERATIONS.c.repo_id == bindparam("repo")
_IS_ONE = _OPERATIONS.c.operation_id.in_(bindparam("ids", expanding=True))
_IDS = select(_OPERATIONS.c.operation_id).where(_IS_OURS)
_MARK = update(_OPERATIONS).where(_IS_OURS, _IS_ONE).values(is_undone=bindparam("mark"))
_DELETE = delete(_OPERATIONS).where(_IS_OURS, _IS_ONE)


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations are wanted; all conditions must hold; ``None`` is no condition."""

    kind: str | None = None
    is_undone: bool | None = None
    is_snapshot: bool | None = None


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One entry of the operation log."""

    operation_id: str
    operation_prefix: str
    """The shortest prefix of its id that is unique in this repository."""
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


def list_operation_ids(connection: Connection, repo_id: uuid.UUID) -> set[str]:
    """Return the ids of all operations that have a row."""
    return set(connection.scalars(_IDS, {"repo": repo_id}))


def has_operation(connection: Connection, repo_id: uuid.UUID, operation_id: str) -> bool:
    """Return whether an operation has a row."""
    keys = {"repo": repo_id, "ids": [operation_id]}
    return connection.execute(_IDS.where(_IS_ONE), keys).first() is not None


def list_undone(connection: Connection, repo_id: uuid.UUID) -> set[str]:
    """Return the ids of the operations that are marked as undone."""
    query = _IDS.where(_OPERATIONS.c.is_undone)
    return set(connection.scalars(query, {"repo": repo_id}))


def write_operations(connection: Connection, rows: Sequence[Values]) -> None:
    """Insert or overwrite operations."""
    upsert(connection, JjOperation, rows)


def mark_operations(
    connection: Connection, repo_id: uuid.UUID, ids: Collection[str], *, is_undone: bool
) -> None:
    """Mark these operations as undone, or as not undone any more."""
    for chunk in chunks(sorted(ids)):
        connection.execute(_MARK, {"repo": repo_id, "ids": chunk, "mark": is_undone})


def delete_operations(connection: Connection, repo_id: uuid.UUID, ids: Collection[str]) -> None:
    """Remove operations that are no part of the log any more."""
    for chunk in chunks(sorted(ids)):
        connection.execute(_DELETE, {"repo": repo_id, "ids": chunk})


def list_operations(
    session: Session, repo_id: uuid.UUID, wanted: OperationFilter, at: PageRequest
) -> Page[OperationRow]:
    """Return a page of the operations that are ``wanted``, the latest end first."""
    exact: dict[Any, Any] = {
        JjOperation.operation_type: wanted.kind,
        JjOperation.is_undone: wanted.is_undone,
        JjOperation.is_snapshot: wanted.is_snapshot,
    }
    query = _operations(repo_id).where(*equalities(exact))
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


def _operations(repo_id: uuid.UUID) -> AnySelect:
    operation = aliased(JjOperation)
    return select(
        JjOperation.operation_id,
        JjOperation.parents,
        JjOperation.view_id,
        JjOperation.operation_type,
        func.substr(JjOperation.description, 1, MAX_DESCRIPTION_CHARACTERS),
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
