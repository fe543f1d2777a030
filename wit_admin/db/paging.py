"""Keyset pagination: unlike with an offset, rows added meanwhile do not shift the pages.

A cursor holds the key of the last row of a page, so the next page begins right after it, whatever
was inserted or deleted in between. In a list by a key that can change (the last update, say) a row
that moves may appear twice or late, but never makes another row disappear.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Integer, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from wit_admin.db.base import UtcDateTime, UuidKey
from wit_admin.errors import InvalidInputError

MAX_LIMIT = 1000

T = TypeVar("T")
AnySelect = Select[*tuple[Any, ...]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The wanted page: the first, or the one after a cursor.

    Raises:
        InvalidInputError: ``limit`` is not between 1 and ``MAX_LIMIT``.
    """

    limit: int = 50
    cursor: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidInputError(f"A page has between 1 and {MAX_LIMIT} rows.")


FIRST_PAGE = PageRequest()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of the next page; ``None`` on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a list, for an operator, who names the row before it."""

    after: Any = None
    """The sort value of the row before the part; ``None`` to begin at the start."""
    limit: int | None = None
    """The most rows; ``None`` for all."""


EVERYTHING = Span()


@dataclass(frozen=True, slots=True)
class Order:
    """The sort order of a list: columns, never null and together unique, all in one direction."""

    name: str
    """Part of each cursor, so that a cursor of another list is refused."""
    columns: tuple[InstrumentedAttribute[Any] | ColumnElement[Any], ...]
    descending: bool = False


def fetch_page(
    session: Session,
    query: AnySelect,
    order: Order,
    at: PageRequest,
    build: Callable[..., T],
) -> Page[T]:
    """Run ``query`` for one page; ``build`` makes an item from the columns of each row.

    Raises:
        InvalidInputError: The cursor is not one of this list.
    """
    keyed = query.add_columns(*order.columns).limit(at.limit + 1)
    keyed = keyed.order_by(*(c.desc() if order.descending else c for c in order.columns))
    if at.cursor is not None:
        keyed = keyed.where(_is_after(order, parse_cursor(order, at.cursor)))
    rows = session.execute(keyed).all()
    width = len(order.columns)
    items = tuple(build(*row[:-width]) for row in rows[: at.limit])
    if len(rows) <= at.limit:
        return Page(items, None)
    return Page(items, render_cursor(order, rows[at.limit - 1][-width:]))


def collect_pages(
    fetch: Callable[[PageRequest], Page[T]],
    *,
    limit: int | None = None,
    after: str | None = None,
) -> Page[T]:
    """Return ``limit`` rows after a cursor, or all, by reading as many pages as needed."""
    rows: list[T] = []
    while True:
        size = MAX_LIMIT if limit is None else min(MAX_LIMIT, limit - len(rows))
        page = fetch(PageRequest(size, after))
        rows.extend(page.items)
        after = page.next_cursor
        if after is None or len(rows) == limit:
            return Page(tuple(rows), after)


def cut(
    query: AnySelect, key: InstrumentedAttribute[Any], span: Span, *, descending: bool = False
) -> AnySelect:
    """Sort a query by a unique column, and restrict it to a part."""
    query = query.order_by(key.desc() if descending else key)
    if span.after is not None:
        query = query.where(key < span.after if descending else key > span.after)
    return query if span.limit is None else query.limit(span.limit)


def render_cursor(order: Order, key: Sequence[Any]) -> str:
    """Return the cursor for ``key`` in a list of this order; clients must not interpret it."""
    content = json.dumps([order.name, *map(_encode, key)], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def parse_cursor(order: Order, cursor: str) -> tuple[Any, ...]:
    """Return the key in a cursor.

    Raises:
        InvalidInputError: It is malformed, or belongs to a list with another order.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if content[0] != order.name:
            raise ValueError("another list")  # noqa: TRY301 - caught just below, with its kin
        pairs = zip(order.columns, content[1:], strict=True)
        return tuple(_decode(column, value) for column, value in pairs)
    except (binascii.Error, ValueError, TypeError, LookupError, OverflowError, RecursionError):
        raise InvalidInputError(
            "The cursor does not belong to this list.", hint="Begin again without one."
        ) from None


def _is_after(order: Order, key: Sequence[Any]) -> ColumnElement[bool]:
    columns = tuple_(*order.columns)
    bounds = (literal(value, column.type) for column, value in zip(order.columns, key, strict=True))
    found: ColumnElement[bool] = (
        columns < tuple_(*bounds) if order.descending else columns > tuple_(*bounds)
    )
    return found


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return value.hex if isinstance(value, uuid.UUID) else value


def _decode(column: InstrumentedAttribute[Any] | ColumnElement[Any], value: Any) -> Any:
    """Check a value against its column: a cursor comes from outside and may be forged."""
    if isinstance(column.type, UtcDateTime):
        return _EPOCH + timedelta(microseconds=_integer(value))
    if isinstance(column.type, Integer):
        return _integer(value)
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("text is expected")
    value.encode()  # lone surrogates have no place in a database
    return uuid.UUID(hex=value) if isinstance(column.type, UuidKey) else value


def _integer(value: Any) -> int:
    if type(value) is not int or abs(value) > _MAX_INTEGER:
        raise ValueError("a whole number is expected")
    return value
