"""Bookmarks of jj repositories: written by syncs, listed for readers."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.bulk import upsert_rows
from wit_admin.db.core import table_of
from wit_admin.db.models.jj import Bookmark
from wit_admin.db.paging import AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.statements import chunks

BOOKMARKS_BY_NAME = Order("jj.bookmarks", (Bookmark.name, Bookmark.remote))

_BOOKMARKS = table_of(Bookmark)
_IS_OURS = _BOOKMARKS.c.repo_id == bindparam("repo")
_IS_DEFAULT = and_(_BOOKMARKS.c.name == bindparam("default"), _BOOKMARKS.c.remote == "")
_MARK = (
    update(_BOOKMARKS)
    .where(_IS_OURS, _BOOKMARKS.c.is_default != _IS_DEFAULT)
    .values(is_default=_IS_DEFAULT)
)
_DELETE = delete(_BOOKMARKS).where(_BOOKMARKS.c.id.in_(bindparam("ids", expanding=True)))


class BookmarkValues(NamedTuple):
    """The row of a bookmark without its repository, and without what is not jj's."""

    name: str
    remote: str
    target_commit_id: str | None
    target_change_id: str | None
    target_terms: Sequence[str | None]
    is_conflicted: bool
    is_tracked: bool


_ALL = select(_BOOKMARKS.c.id, *(_BOOKMARKS.c[name] for name in BookmarkValues._fields)).where(
    _IS_OURS
)
_NAMED = _ALL.where(_BOOKMARKS.c.name.in_(bindparam("names", expanding=True)))
BookmarkKey = tuple[str, str]
"""Name and remote."""


@dataclass(frozen=True, slots=True)
class BookmarkMoves:
    """Which rows are to be written, with their ids, and which are to go."""

    written: Sequence[tuple[Any, ...]]
    gone: Sequence[uuid.UUID]

    def __len__(self) -> int:
        """Return how many rows change."""
        return len(self.written) + len(self.gone)


@dataclass(frozen=True, slots=True)
class BookmarkFilter:
    """Which bookmarks are wanted; all conditions must hold; ``None`` is no condition."""

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


def compare_bookmarks(
    connection: Connection,
    repo_id: uuid.UUID,
    rows: Sequence[BookmarkValues],
    keys: Collection[BookmarkKey] | None,
) -> BookmarkMoves:
    """Return the writes after which ``rows`` are all bookmarks, or all that ``keys`` name."""
    if not rows and keys is not None and not keys:
        return BookmarkMoves((), ())
    before = dict(_list_known(connection, repo_id, keys))
    written: list[tuple[Any, ...]] = []
    for row in rows:
        row_id, old = before.pop(row[:2], (None, None))
        if row != old:
            written.append((row_id or new_id(), *row))
    return BookmarkMoves(written, [row_id for row_id, _ in before.values()])


def write_bookmarks(connection: Connection, repo_id: uuid.UUID, moves: BookmarkMoves) -> None:
    """Carry out such writes; none of the written bookmarks is the default one then."""
    columns = ("id", *BookmarkValues._fields)
    same = {"repo_id": repo_id, "is_default": False, "updated_at": utc_now()}
    upsert_rows(connection, Bookmark, columns, moves.written, same=same)
    for chunk in chunks(moves.gone):
        connection.execute(_DELETE, {"ids": chunk})


def mark_default(connection: Connection, repo_id: uuid.UUID, name: str | None) -> None:
    """Make this local bookmark, and no other, the default one."""
    connection.execute(_MARK, {"repo": repo_id, "default": name})


def _list_known(
    connection: Connection, repo_id: uuid.UUID, keys: Collection[BookmarkKey] | None
) -> Iterator[tuple[BookmarkKey, tuple[uuid.UUID, BookmarkValues]]]:
    parameters: list[Mapping[str, Any]] = [{"repo": repo_id}]
    if keys is not None:
        names = chunks(sorted({name for name, _ in keys}))
        parameters = [{"repo": repo_id, "names": chunk} for chunk in names]
    for each in parameters:
        for row_id, *values in connection.execute(_ALL if keys is None else _NAMED, each):
            row = BookmarkValues(*values)
            if keys is None or row[:2] in keys:
                yield row[:2], (row_id, row)


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
