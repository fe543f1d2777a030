"""What was read from jj repositories: rows of one repository, written by whoever syncs it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from wit_admin.db.base import Base
from wit_admin.db.core import execute_core, table_of
from wit_admin.db.models.jj import (
    Bookmark,
    Change,
    ChangeCommit,
    Conflict,
    JjOperation,
    JjSyncState,
)
from wit_admin.db.queries.reconcile import chunks

Values = Mapping[str, Any]


def find_state(session: Session, repo_id: uuid.UUID) -> JjSyncState | None:
    """Return of which state the rows are; ``None`` if nobody ever synced or watched it."""
    query = select(JjSyncState).where(JjSyncState.repo_id == repo_id)
    return session.scalars(query).one_or_none()


def lock_state(session: Session, repo_id: uuid.UUID, *, path: str) -> JjSyncState:
    """Return the same, and let nobody else sync the repository until the transaction ends."""
    first = {
        "repo_id": repo_id,
        "path": path,
        "op_heads": [],
        "kinds": [],
        "failures": 0,
        "is_watched": True,
    }
    # A row that is not there cannot be locked.
    insert = _insert_into(session, table_of(JjSyncState))
    execute_core(session, insert.on_conflict_do_nothing(), [first])
    query = select(JjSyncState).where(JjSyncState.repo_id == repo_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def list_commits(
    session: Session,
    repo_id: uuid.UUID,
    *,
    commit_ids: Iterable[str] = (),
    change_ids: Iterable[str] = (),
) -> list[ChangeCommit]:
    """Return the rows of these commits and of the commits of these changes, each once."""
    found: dict[str, ChangeCommit] = {}
    for column, keys in (
        (ChangeCommit.commit_id, commit_ids),
        (ChangeCommit.change_id, change_ids),
    ):
        for chunk in chunks(sorted(keys)):
            query = select(ChangeCommit).where(ChangeCommit.repo_id == repo_id, column.in_(chunk))
            found.update((row.commit_id, row) for row in session.scalars(query))
    return list(found.values())


def list_all_commits(session: Session, repo_id: uuid.UUID) -> list[ChangeCommit]:
    """Return the rows of all commits, for a sync that begins anew."""
    return list(session.scalars(select(ChangeCommit).where(ChangeCommit.repo_id == repo_id)))


def list_operation_ids(session: Session, repo_id: uuid.UUID) -> set[str]:
    """Return the ids of all operations, likewise."""
    query = select(JjOperation.operation_id).where(JjOperation.repo_id == repo_id)
    return set(session.scalars(query))


def list_conflicts(
    session: Session, repo_id: uuid.UUID, change_ids: Iterable[str]
) -> list[Conflict]:
    """Return the conflicts of these changes, resolved ones too."""
    found: list[Conflict] = []
    for chunk in chunks(sorted(change_ids)):
        query = select(Conflict).where(Conflict.repo_id == repo_id, Conflict.change_id.in_(chunk))
        found += session.scalars(query)
    return found


def write_operations(session: Session, rows: Sequence[Values]) -> None:
    """Insert operations, or write them anew."""
    _upsert(session, JjOperation, rows)


def mark_undone(session: Session, repo_id: uuid.UUID, undone: Collection[str]) -> None:
    """Make these, and no other operations of the repository, the undone ones."""
    marked = select(JjOperation.operation_id).where(
        JjOperation.repo_id == repo_id, JjOperation.is_undone
    )
    before = set(session.scalars(marked))
    for is_undone, ids in ((False, before - set(undone)), (True, set(undone) - before)):
        for chunk in chunks(sorted(ids)):
            session.execute(
                update(JjOperation)
                .where(JjOperation.repo_id == repo_id, JjOperation.operation_id.in_(chunk))
                .values(is_undone=is_undone)
            )


def delete_operations(session: Session, repo_id: uuid.UUID, ids: Collection[str]) -> None:
    """Remove operations that are no part of the log any more."""
    for chunk in chunks(sorted(ids)):
        session.execute(
            delete(JjOperation).where(
                JjOperation.repo_id == repo_id, JjOperation.operation_id.in_(chunk)
            )
        )


def write_changes(session: Session, changes: Sequence[Values], commits: Sequence[Values]) -> None:
    """Insert changes and commits of theirs, or write them anew."""
    _upsert(session, Change, changes)
    _upsert(session, ChangeCommit, commits)


def delete_commits(
    session: Session, repo_id: uuid.UUID, commit_ids: Collection[str], change_ids: Collection[str]
) -> None:
    """Remove commits, and changes that have none left with all that hangs on them."""
    for chunk in chunks(sorted(commit_ids)):
        session.execute(
            delete(ChangeCommit).where(
                ChangeCommit.repo_id == repo_id, ChangeCommit.commit_id.in_(chunk)
            )
        )
    for chunk in chunks(sorted(change_ids)):
        session.execute(
            delete(Change).where(Change.repo_id == repo_id, Change.change_id.in_(chunk))
        )


def replace_bookmarks(session: Session, repo_id: uuid.UUID, rows: Sequence[Values]) -> int:
    """Make these the bookmarks of a repository; return how many rows changed."""
    query = select(Bookmark).where(Bookmark.repo_id == repo_id)
    before = {(row.name, row.remote): row for row in session.scalars(query)}
    changed = 0
    for values in rows:
        row = before.pop((values["name"], values["remote"]), None)
        if row is None:
            session.add(Bookmark(**values))
        elif all(getattr(row, name) == value for name, value in values.items()):
            continue
        else:
            for name, value in values.items():
                setattr(row, name, value)
        changed += 1
    for row in before.values():
        session.delete(row)
    return changed + len(before)


def _upsert(session: Session, model: type[Base], rows: Sequence[Values]) -> None:
    if not rows:
        return
    table = table_of(model)
    insert = _insert_into(session, table)
    keys = [column.name for column in table.primary_key]
    given = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    execute_core(session, insert.on_conflict_do_update(index_elements=keys, set_=given), list(rows))


def _insert_into(session: Session, table: Table) -> postgresql.Insert | sqlite.Insert:
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if is_postgresql else sqlite.insert(table)
