"""Lists the synced rows of a jj repository; nothing here reads the disk."""

from __future__ import annotations

import heapq
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.paging import Page, PageRequest
from wit_admin.db.queries import jj_bookmarks, jj_changes, jj_conflicts, jj_operations, jj_state
from wit_admin.db.queries.jj_bookmarks import BookmarkFilter, BookmarkRow
from wit_admin.db.queries.jj_changes import ChangeFilter, ChangeRow, CommitRow
from wit_admin.db.queries.jj_conflicts import ConflictFilter, ConflictRow
from wit_admin.db.queries.jj_operations import OperationFilter, OperationRow
from wit_admin.services.jj.lookups import (
    bookmark_targets,
    require_changes,
    require_rows,
    resolve_change,
)


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes are wanted; for the fields see :class:`ChangeFilter`."""

    bookmark: str | None = None
    """Only the changes that this bookmark points at: ``main``, or ``main@origin`` of a remote."""
    author: str | None = None
    text: str | None = None
    is_conflicted: bool | None = None
    is_divergent: bool | None = None
    is_hidden: bool | None = False
    is_immutable: bool | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """Some operations, each after those that follow it, and the current heads."""

    operations: tuple[OperationRow, ...]
    heads: tuple[str, ...]
    """Several, if concurrent operations wait for jj to reconcile them."""
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a bookmark's target; a commit of ``None`` is an absent target."""

    is_added: bool
    commit_id: str | None
    change_id: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A bookmark, with the terms of its target: one unless it is conflicted."""

    name: str
    remote: str | None
    commit_id: str | None
    change_id: str | None
    terms: tuple[Term, ...]
    is_conflicted: bool
    is_tracked: bool
    is_default: bool


def list_changes(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, wanted: ChangeQuery, at: PageRequest
) -> Page[ChangeRow]:
    """Return a page of changes, the latest commit first.

    Raises:
        NotFoundError: Nothing was ever synced or pushed, or there is no such bookmark.
        InvalidInputError: The cursor is not one of this list.
    """
    with sessions() as session:
        chosen = resolve_query(session, repo_id, wanted)
        page = jj_changes.list_changes(session, repo_id, chosen, at)
        if not page.items:
            require_changes(session, repo_id)
        return Page(with_commits(session, repo_id, page.items), page.next_cursor)


def list_operations(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, wanted: OperationFilter, at: PageRequest
) -> Log:
    """Return a page of the operation log, the latest first.

    Raises:
        NotFoundError: Nothing was ever synced.
        InvalidInputError: The cursor is not one of this list.
    """
    with sessions() as session:
        page = jj_operations.list_operations(session, repo_id, wanted, at)
        require_rows(session, repo_id, page, at)
        state = jj_state.find_state(session, repo_id)
    heads = state.op_heads if state is not None else ()
    return Log(tuple(order_log(page.items)), heads, page.next_cursor)


def list_bookmarks(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, wanted: BookmarkFilter, at: PageRequest
) -> Page[Listed]:
    """Return a page of the bookmarks by name, the local one before those of remotes.

    Raises:
        NotFoundError: Nothing was ever synced.
        InvalidInputError: The cursor is not one of this list.
    """
    with sessions() as session:
        page = jj_bookmarks.list_bookmarks(session, repo_id, wanted, at)
        require_rows(session, repo_id, page, at)
        commit_ids = {term for row in page.items for term in row.terms if term is not None}
        changes = jj_changes.find_change_ids(session, repo_id, commit_ids)
    return Page(tuple(_listed(row, changes) for row in page.items), page.next_cursor)


def list_conflicts(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    wanted: ConflictFilter,
    at: PageRequest,
    *,
    change: str | None = None,
) -> Page[ConflictRow]:
    """Return a page of the conflicts, by change, commit and path; only of ``change``, if given.

    Raises:
        NotFoundError: Nothing was ever synced, or there is no such change.
        InvalidInputError: ``change`` names several, or the cursor is not one of this list.
    """
    with sessions() as session:
        if change is not None:
            wanted = replace(wanted, change_id=resolve_change(session, repo_id, change))
        page = jj_conflicts.list_conflicts(session, repo_id, wanted, at)
        require_rows(session, repo_id, page, at)
    return page


def resolve_query(session: Session, repo_id: uuid.UUID, wanted: ChangeQuery) -> ChangeFilter:
    """Convert a query to a filter of rows.

    Raises:
        NotFoundError: There is no such bookmark.
    """
    name = wanted.bookmark
    heads = None if name is None else bookmark_targets(session, repo_id, name)
    return ChangeFilter(
        heads=heads,
        author=wanted.author,
        text=wanted.text,
        is_conflicted=wanted.is_conflicted,
        is_divergent=wanted.is_divergent,
        is_hidden=wanted.is_hidden,
        is_immutable=wanted.is_immutable,
    )


def with_commits(
    session: Session, repo_id: uuid.UUID, rows: Sequence[ChangeRow]
) -> tuple[ChangeRow, ...]:
    """Return the changes with their visible commits and the bookmarks that point there."""
    ids = [row.change_id for row in rows]
    commits = jj_changes.list_commits_of(session, repo_id, ids, visible_only=True)
    labels = _labels(jj_bookmarks.list_bookmarks_at(session, repo_id, ids))
    return tuple(_dressed(row, commits[row.change_id], labels) for row in rows)


def order_log(rows: Collection[OperationRow]) -> list[OperationRow]:
    """Return operations, the latest first, but each after those that follow it.

    Clocks may be wrong, and two operations may end in the same millisecond.
    """
    by_id = {row.operation_id: row for row in rows}
    children = dict.fromkeys(by_id, 0)
    for row in rows:
        for parent in set(row.parents) & by_id.keys():
            children[parent] += 1
    ready = [_queued(by_id[key]) for key, count in children.items() if not count]
    heapq.heapify(ready)
    ordered: list[OperationRow] = []
    while ready:
        row = by_id[heapq.heappop(ready)[1]]
        ordered.append(row)
        for parent in set(row.parents) & by_id.keys():
            children[parent] -= 1
            if not children[parent]:
                heapq.heappush(ready, _queued(by_id[parent]))
    # Forged ids can form a circle, in which no operation can come first.
    return ordered + [row for row in rows if children[row.operation_id]]


def _queued(row: OperationRow) -> tuple[float, str]:
    return -row.ended_at.timestamp(), row.operation_id


def _dressed(
    row: ChangeRow, commits: Sequence[CommitRow], labels: Mapping[str, Sequence[str]]
) -> ChangeRow:
    commit_ids = tuple(each.commit_id for each in commits)
    names = (name for commit_id in commit_ids or (row.commit_id,) for name in labels[commit_id])
    return replace(
        row,
        commits=commit_ids,
        bookmarks=tuple(dict.fromkeys(names)),
        is_working_copy=any(each.is_working_copy for each in commits),
    )


def _labels(rows: Iterable[BookmarkRow]) -> dict[str, list[str]]:
    """Return the labels (bookmarks) of each commit."""
    labels: dict[str, list[str]] = defaultdict(list)
    local: dict[str, tuple[str | None, ...]] = {}
    for row in rows:
        if not row.remote:
            local[row.name] = row.terms
        elif row.is_tracked and local.get(row.name) == row.terms:
            # As in jj, a remote bookmark is shown only if it differs from the local one.
            continue
        label = f"{row.name}@{row.remote}" if row.remote else row.name
        for term in row.terms[::2]:
            if term is not None:
                labels[term].append(f"{label}??" if row.is_conflicted else label)
    return labels


def _listed(row: BookmarkRow, changes: dict[str, str]) -> Listed:
    return Listed(
        name=row.name,
        remote=row.remote or None,
        commit_id=row.target_commit_id,
        change_id=row.target_change_id,
        terms=tuple(
            Term(not place % 2, commit_id, changes.get(commit_id) if commit_id else None)
            for place, commit_id in enumerate(row.terms)
        ),
        is_conflicted=row.is_conflicted,
        is_tracked=row.is_tracked,
        is_default=row.is_default,
    )
