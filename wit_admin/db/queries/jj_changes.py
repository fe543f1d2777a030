"""Changes of a jj repository as the database has them: listed, and found by a prefix."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.models.jj import Change, ChangeCommit
from wit_admin.db.paging import AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries.jj_prefixes import begins, neighbours, shortest_prefix
from wit_admin.db.statements import chunks

MAX_DESCRIPTION_CHARACTERS = 10_000
"""A page of endless descriptions would not fit the memory; this much of each is shown."""

NEWEST_CHANGES = Order("jj.changes", (Change.committed_at, Change.change_id), descending=True)


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes are wanted; all conditions must hold; ``None`` is no condition."""

    heads: Sequence[str] | None = None
    """Those that these commits lead to, the commits' own included."""
    author: str | None = None
    """In the author's name or address; the case of ASCII letters does not matter."""
    text: str | None = None
    """In the description, or what a change id or commit id begins with."""
    is_conflicted: bool | None = None
    is_divergent: bool | None = None
    is_hidden: bool | None = None
    is_immutable: bool | None = None


@dataclass(frozen=True, slots=True)
class CommitRow:
    """One commit that carries a change, or carried it."""

    change_id: str
    commit_id: str
    parents: tuple[str, ...]
    is_visible: bool
    is_working_copy: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change, with the shortest prefixes of its ids that are unique in this repository."""

    change_id: str
    commit_id: str
    change_prefix: str
    commit_prefix: str
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
    commits: tuple[str, ...] = ()
    """The visible commits that carry it, of which a divergent change has several."""
    bookmarks: tuple[str, ...] = ()
    """Those that point to one of them, as jj writes them: ``main``, ``main??``, ``main@origin``."""
    is_working_copy: bool = False


def list_changes(
    session: Session, repo_id: uuid.UUID, wanted: ChangeFilter, at: PageRequest
) -> Page[ChangeRow]:
    """Return a page of the changes that are ``wanted``, the latest commit first."""
    query = _listing(repo_id).where(*_conditions(session, repo_id, wanted))
    return fetch_page(session, query, NEWEST_CHANGES, at, _build)


def list_changes_by_id(
    session: Session, repo_id: uuid.UUID, wanted: ChangeFilter, change_ids: Iterable[str]
) -> list[ChangeRow]:
    """Return those of these changes that are ``wanted``, the earliest commit first."""
    found: list[ChangeRow] = []
    for chunk in chunks(sorted(change_ids)):
        query = _listing(repo_id).where(
            Change.change_id.in_(chunk), *_conditions(session, repo_id, wanted)
        )
        found += (_build(*row) for row in session.execute(query))
    return sorted(found, key=lambda row: (row.committed_at, row.change_id))


def list_change_states(session: Session, repo_id: uuid.UUID) -> dict[str, tuple[Any, ...]]:
    """Return, for every change, the columns that show whether its row has changed."""
    query = select(
        Change.change_id,
        Change.commit_id,
        Change.has_conflicts,
        Change.is_divergent,
        Change.is_hidden,
        Change.is_immutable,
    ).where(Change.repo_id == repo_id)
    return {change_id: tuple(state) for change_id, *state in session.execute(query)}


def list_commits_of(
    session: Session, repo_id: uuid.UUID, change_ids: Iterable[str], *, visible_only: bool = False
) -> dict[str, list[CommitRow]]:
    """Return the commits of each of these changes."""
    found: dict[str, list[CommitRow]] = defaultdict(list)
    for chunk in chunks(sorted(change_ids)):
        query = select(
            ChangeCommit.change_id,
            ChangeCommit.commit_id,
            ChangeCommit.parents,
            ChangeCommit.is_visible,
            ChangeCommit.is_working_copy,
        ).where(ChangeCommit.repo_id == repo_id, ChangeCommit.change_id.in_(chunk))
        if visible_only:
            query = query.where(ChangeCommit.is_visible)
        for change_id, commit_id, parents, *flags in session.execute(
            query.order_by(ChangeCommit.commit_id)
        ):
            row = CommitRow(change_id, commit_id, tuple(parents), *flags)
            found[change_id].append(row)
    return found


def find_change_ids(
    session: Session, repo_id: uuid.UUID, commit_ids: Iterable[str]
) -> dict[str, str]:
    """Return the change of each of these commits that has a row."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(commit_ids)):
        query = select(ChangeCommit.commit_id, ChangeCommit.change_id).where(
            ChangeCommit.repo_id == repo_id, ChangeCommit.commit_id.in_(chunk)
        )
        found.update((commit_id, change_id) for commit_id, change_id in session.execute(query))
    return found


def find_change(session: Session, repo_id: uuid.UUID, change_id: str) -> ChangeRow | None:
    """Return the change of that full id."""
    row = session.execute(_listing(repo_id).where(Change.change_id == change_id)).one_or_none()
    return None if row is None else _build(*row)


def list_by_prefix(session: Session, repo_id: uuid.UUID, prefix: str, *, limit: int) -> list[str]:
    """Return change ids that begin with ``prefix``, or that a commit with such an id carries."""
    query = select(Change.change_id).where(
        Change.repo_id == repo_id, begins(Change.change_id, prefix)
    )
    found = list(session.scalars(query.order_by(Change.change_id).limit(limit)))
    if found:
        return found
    by_commit = select(ChangeCommit.change_id).where(
        ChangeCommit.repo_id == repo_id, begins(ChangeCommit.commit_id, prefix)
    )
    return list(session.scalars(by_commit.order_by(ChangeCommit.commit_id).limit(limit)))


def _listing(repo_id: uuid.UUID) -> AnySelect:
    change, commit = aliased(Change), aliased(ChangeCommit)
    return select(
        Change.change_id,
        Change.commit_id,
        func.substr(Change.description, 1, MAX_DESCRIPTION_CHARACTERS),
        Change.author_name,
        Change.author_email,
        Change.authored_at,
        Change.committed_at,
        Change.is_empty,
        Change.has_conflicts,
        Change.is_divergent,
        Change.is_hidden,
        Change.is_immutable,
        *neighbours(change.change_id, change.repo_id, Change.change_id),
        *neighbours(commit.commit_id, commit.repo_id, Change.commit_id),
    ).where(Change.repo_id == repo_id)


def _build(change_id: str, commit_id: str, *columns: Any) -> ChangeRow:
    *facts, before, after, commit_before, commit_after = columns
    return ChangeRow(
        change_id,
        commit_id,
        shortest_prefix(change_id, before, after),
        shortest_prefix(commit_id, commit_before, commit_after),
        *facts,
    )


def _conditions(
    session: Session, repo_id: uuid.UUID, wanted: ChangeFilter
) -> list[ColumnElement[bool]]:
    exact: dict[Any, bool | None] = {
        Change.has_conflicts: wanted.is_conflicted,
        Change.is_divergent: wanted.is_divergent,
        Change.is_hidden: wanted.is_hidden,
        Change.is_immutable: wanted.is_immutable,
    }
    conditions = [column.is_(value) for column, value in exact.items() if value is not None]
    if wanted.author is not None:
        either = (Change.author_name, Change.author_email)
        conditions.append(or_(*(each.icontains(wanted.author, autoescape=True) for each in either)))
    if wanted.text is not None:
        conditions.append(
            or_(
                Change.description.icontains(wanted.text, autoescape=True),
                Change.change_id.istartswith(wanted.text, autoescape=True),
                Change.commit_id.istartswith(wanted.text, autoescape=True),
            )
        )
    if wanted.heads is not None:
        carried = select(ChangeCommit.change_id).where(
            ChangeCommit.repo_id == repo_id,
            ChangeCommit.commit_id.in_(_ancestors(session, repo_id, wanted.heads)),
        )
        conditions.append(Change.change_id.in_(carried))
    return conditions


def _ancestors(session: Session, repo_id: uuid.UUID, heads: Sequence[str]) -> AnySelect:
    """Return a query for these commits and their ancestors, as far as they have rows."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    elements = func.jsonb_array_elements_text if is_postgresql else func.json_each
    first = select(ChangeCommit.commit_id).where(
        ChangeCommit.repo_id == repo_id, ChangeCommit.commit_id.in_(heads)
    )
    met = first.cte("met", recursive=True)
    child = aliased(ChangeCommit)
    parent = elements(child.parents).table_valued("value", joins_implicitly=True)
    further = (
        select(parent.c.value)
        .select_from(met)
        .join(child, (child.commit_id == met.c.commit_id) & (child.repo_id == repo_id))
        .join(parent, literal(value=True))
    )
    met = met.union(further)
    return select(met.c.commit_id)
