"""What was read from jj repositories: rows of one repository, written by whoever syncs it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.bulk import Values, upsert, upsert_rows
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
from wit_admin.db.statements import insert_into


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
    insert = insert_into(session, table_of(JjSyncState))
    execute_core(session, insert.on_conflict_do_nothing(), [first])
    query = select(JjSyncState).where(JjSyncState.repo_id == repo_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


class ChangeValues(NamedTuple):
    """The row of a change without its repository."""

    change_id: str
    commit_id: str
    description: str
    author_name: str
    author_email: str
    authored_at: datetime
    committed_at: datetime
    is_empty: bool | None
    has_conflicts: bool
    is_divergent: bool
    is_hidden: bool
    is_immutable: bool


class CommitValues(NamedTuple):
    """The row of a commit without its repository."""

    commit_id: str
    change_id: str
    parents: Sequence[str]
    is_visible: bool
    is_immutable: bool
    is_working_copy: bool
    children: int
    visible_children: int
    immutable_children: int


def list_commits(
    session: Session,
    repo_id: uuid.UUID,
    *,
    commit_ids: Iterable[str] = (),
    change_ids: Iterable[str] = (),
) -> list[CommitValues]:
    """Return the rows of these commits and of the commits of these changes, each once."""
    table = table_of(ChangeCommit)
    columns = [table.c[name] for name in CommitValues._fields]
    found: dict[str, CommitValues] = {}
    for column, keys in ((table.c.commit_id, commit_ids), (table.c.change_id, change_ids)):
        for chunk in chunks(sorted(keys)):
            query = select(*columns).where(table.c.repo_id == repo_id, column.in_(chunk))
            found.update((row[0], CommitValues(*row)) for row in session.execute(query))
    return list(found.values())


def list_commit_ids(session: Session, repo_id: uuid.UUID) -> dict[str, str]:
    """Return the change of each commit that has a row, for a sync that begins anew."""
    query = select(ChangeCommit.commit_id, ChangeCommit.change_id).where(
        ChangeCommit.repo_id == repo_id
    )
    return {row[0]: row[1] for row in session.execute(query)}


def list_operation_ids(session: Session, repo_id: uuid.UUID) -> set[str]:
    """Return the ids of all operations, likewise."""
    query = select(JjOperation.operation_id).where(JjOperation.repo_id == repo_id)
    return set(session.scalars(query))


def has_operation(session: Session, repo_id: uuid.UUID, operation_id: str) -> bool:
    """Tell whether an operation has a row."""
    query = select(JjOperation.operation_id).where(
        JjOperation.repo_id == repo_id, JjOperation.operation_id == operation_id
    )
    return session.scalars(query).one_or_none() is not None


def list_conflicts(
    session: Session, repo_id: uuid.UUID, change_ids: Collection[str] | None
) -> list[Conflict]:
    """Return the conflicts of these changes, or of all, resolved ones too."""
    query = select(Conflict).where(Conflict.repo_id == repo_id)
    if change_ids is None:
        return list(session.scalars(query))
    found: list[Conflict] = []
    for chunk in chunks(sorted(change_ids)):
        found += session.scalars(query.where(Conflict.change_id.in_(chunk)))
    return found


def write_operations(session: Session, rows: Sequence[Values]) -> None:
    """Insert operations, or write them anew."""
    upsert(session, JjOperation, rows)


def list_undone(session: Session, repo_id: uuid.UUID) -> set[str]:
    """Return the ids of the operations that are marked as undone."""
    query = select(JjOperation.operation_id).where(
        JjOperation.repo_id == repo_id, JjOperation.is_undone
    )
    return set(session.scalars(query))


def mark_operations(
    session: Session, repo_id: uuid.UUID, ids: Collection[str], *, is_undone: bool
) -> None:
    """Mark these operations as undone, or as not undone any more."""
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


def write_changes(
    session: Session,
    repo_id: uuid.UUID,
    changes: Sequence[ChangeValues],
    commits: Sequence[CommitValues],
) -> None:
    """Insert changes and commits of theirs, or write them anew."""
    there = select(Change.change_id).where(Change.repo_id == repo_id).limit(1)
    are_new = session.scalars(there).first() is None
    same = {"repo_id": repo_id}
    upsert_rows(session, Change, ChangeValues._fields, changes, same=same, are_new=are_new)
    upsert_rows(session, ChangeCommit, CommitValues._fields, commits, same=same, are_new=are_new)


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


class BookmarkValues(NamedTuple):
    """The row of a bookmark without its repository, and without what is not jj's."""

    name: str
    remote: str
    target_commit_id: str | None
    target_change_id: str | None
    target_terms: Sequence[str | None]
    is_conflicted: bool
    is_tracked: bool


def replace_bookmarks(
    session: Session,
    repo_id: uuid.UUID,
    rows: Sequence[BookmarkValues],
    keys: Collection[tuple[str, str]] | None,
) -> int:
    """Make these the bookmarks, or those among ``keys``; return how many rows changed.

    A key is a name and a remote. Of those that changed none is the default one then.
    """
    before = {row[:2]: (row_id, row) for row_id, row in _list_bookmarks(session, repo_id, keys)}
    changed: list[tuple[Any, ...]] = []
    for row in rows:
        row_id, old = before.pop(row[:2], (None, None))
        if row != old:
            changed.append((row_id or new_id(), *row))
    columns = ("id", *BookmarkValues._fields)
    same = {"repo_id": repo_id, "is_default": False, "updated_at": utc_now()}
    upsert_rows(session, Bookmark, columns, changed, same=same)
    gone = [row_id for row_id, _ in before.values()]
    for chunk in chunks(gone):
        session.execute(delete(Bookmark).where(Bookmark.id.in_(chunk)))
    return len(changed) + len(gone)


def _list_bookmarks(
    session: Session, repo_id: uuid.UUID, keys: Collection[tuple[str, str]] | None
) -> Iterator[tuple[uuid.UUID, BookmarkValues]]:
    table = table_of(Bookmark)
    columns = [table.c[name] for name in BookmarkValues._fields]
    query = select(table.c.id, *columns).where(table.c.repo_id == repo_id)
    if keys is None:
        found = session.execute(query)
        yield from ((row_id, BookmarkValues(*values)) for row_id, *values in found)
        return
    for chunk in chunks(sorted({name for name, _ in keys})):
        found = session.execute(query.where(table.c.name.in_(chunk)))
        rows = ((row_id, BookmarkValues(*values)) for row_id, *values in found)
        yield from (each for each in rows if each[1][:2] in keys)


def mark_default(session: Session, repo_id: uuid.UUID, name: str | None) -> None:
    """Make this local bookmark, and no other, the default one."""
    session.flush()
    is_it = and_(Bookmark.name == name, Bookmark.remote == "")
    wrong = update(Bookmark).where(Bookmark.repo_id == repo_id, Bookmark.is_default != is_it)
    session.execute(wrong.values(is_default=is_it))
