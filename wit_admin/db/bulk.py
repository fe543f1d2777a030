"""Bulk inserts: SQLAlchemy's own handling of each row would cost more than storing it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import repeat
from types import MappingProxyType
from typing import Any

import psycopg
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Dialect,
    Enum,
    LargeBinary,
    Table,
    column,
    select,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from wit_admin.db.base import Base
from wit_admin.db.core import table_of
from wit_admin.db.errors import unavailable
from wit_admin.db.paging import AnySelect
from wit_admin.db.statements import Insert

Values = Mapping[str, Any]

_WORTH_A_COPY = 200
"""Rows from which on PostgreSQL takes them quicker by COPY, which needs a table to copy into."""
_INCOMING = "incoming"
_NAME_OF_TYPE = re.compile(r"\(| COLLATE ")
"""What follows the name, as in ``VARCHAR(40) COLLATE "C"``."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where rows go, and what becomes of those that are there: left, or written anew."""

    into: Table
    columns: tuple[str, ...]
    overwrites: bool

    def settle(self, insert: Insert) -> Insert:
        """Say so in a statement."""
        if not self.overwrites:
            return insert.on_conflict_do_nothing()
        keys = [each.name for each in self.into.primary_key]
        given = {name: insert.excluded[name] for name in self.columns if name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=given)


def insert_new_rows(
    session: Session,
    into: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    same: Values = MappingProxyType({}),
) -> int:
    """Insert rows, leaving out those of which a key is taken; return how many were inserted.

    ``rows`` have a value for each of ``columns``, and the ``same`` in others. Defaults that the
    models have are not applied.

    Raises:
        IntegrityError: A row breaks another constraint; none is inserted.
        UnavailableError: The database was lost.
    """
    return _insert(session, _Target(into, (*same, *columns), overwrites=False), rows, same)


def upsert(session: Session, model: type[Base], rows: Sequence[Values]) -> None:
    """Insert rows that all have the same columns, or write those columns of them anew.

    Defaults that the model has are not applied. Sorted by key they are written faster.

    Raises:
        IntegrityError: A row breaks a constraint.
        UnavailableError: The database was lost.
    """
    if rows:
        columns = tuple(rows[0])
        upsert_rows(session, model, columns, [tuple(map(row.__getitem__, columns)) for row in rows])


def upsert_rows(  # noqa: PLR0913  all but four are named
    session: Session,
    model: type[Base],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    same: Values = MappingProxyType({}),
    are_new: bool = False,
) -> None:
    """Do so with rows that have a value for each of ``columns``, and the ``same`` in others.

    They are written faster where they ``are_new``, that is where none of them can be there.

    Raises:
        IntegrityError: A row breaks a constraint, or is there although it was said to be new.
        UnavailableError: The database was lost.
    """
    target = _Target(table_of(model), (*same, *columns), overwrites=True)
    _insert(session, target, rows, same, are_new=are_new)


def _insert(
    session: Session,
    target: _Target,
    rows: Sequence[Sequence[Any]],
    same: Values,
    *,
    are_new: bool = False,
) -> int:
    if not rows:
        return 0
    # What the session was given before may be what these rows refer to.
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        sql, order = _compile(connection.dialect, target)
        stored = _as_stored(connection.dialect, target, rows, same)
        return connection.exec_driver_sql(
            sql, list(zip(*map(stored.__getitem__, order), strict=True))
        ).rowcount
    if len(rows) < _WORTH_A_COPY:
        values = [dict(zip(target.columns, (*same.values(), *row), strict=True)) for row in rows]
        return _count(connection, _build(target), values)
    stored = _as_stored(connection.dialect, target, rows, same)
    in_order = zip(*stored, strict=True)
    if are_new:
        return _copy(connection, target.into.name, target, in_order)
    return _copy_beside(connection, target, in_order)


@lru_cache
def _build(target: _Target) -> Insert:
    # To build it anew each time takes longer than to write a few rows.
    return target.settle(postgresql.insert(target.into))


@lru_cache
def _compile(dialect: Dialect, target: _Target) -> tuple[str, tuple[int, ...]]:
    """Return SQLite's statement, and in which order it takes the columns."""
    statement = target.settle(sqlite.insert(target.into))
    compiled = statement.compile(dialect=dialect, column_keys=list(target.columns))
    names = (name for name in compiled.params if name in target.columns)
    return str(compiled), tuple(map(target.columns.index, names))


def _count(
    connection: Connection, statement: Insert, values: Sequence[Values] | None = None
) -> int:
    counted = {"preserve_rowcount": True}
    return connection.execute(statement, values, execution_options=counted).rowcount


def _as_stored(
    dialect: Dialect, target: _Target, rows: Sequence[Sequence[Any]], same: Values
) -> list[Iterable[Any]]:
    """Return, column by column, what the driver takes for the values of rows."""
    stored: list[Iterable[Any]] = []
    for name, value in same.items():
        convert = _converter(dialect, target.into, name)
        stored.append(repeat(convert(value) if convert else value, len(rows)))
    for name, values in zip(target.columns[len(same) :], zip(*rows, strict=True), strict=True):
        convert = _converter(dialect, target.into, name)
        stored.append(map(convert, values) if convert else values)
    return stored


def _converter(dialect: Dialect, into: Table, name: str) -> Callable[[Any], Any] | None:
    kind = into.c[name].type
    if isinstance(kind, JSON):
        return _to_json if dialect.name == "sqlite" else _to_jsonb
    # Both drivers take these for what they are; to check True a million times, and to wrap bytes
    # as often, costs as much as all else.
    if isinstance(kind, Boolean | LargeBinary):
        return None
    convert = kind.dialect_impl(dialect).bind_processor(dialect)
    return cache(convert) if convert and isinstance(kind, Enum) else convert


def _to_json(value: Any) -> str | None:
    """Return the text of a value as json would write it, with less ado about lists of ids."""
    if value is None:
        return None
    try:
        words = "".join(value) if isinstance(value, (list, tuple)) else ""
    except TypeError:
        words = ""
    if words.isascii() and words.encode().isalnum():
        return '["' + '", "'.join(value) + '"]'
    return json.dumps(value)


def _to_jsonb(value: Any) -> bytes | None:
    """Return what PostgreSQL takes for it in binary: a version, and the text."""
    text = _to_json(value)
    return None if text is None else b"\x01" + text.encode()


@lru_cache
def _binary_types(dialect: Dialect, target: _Target) -> tuple[str, ...]:
    kinds = [target.into.c[name].type for name in target.columns]
    return tuple(
        "bytea" if isinstance(kind, JSON) else _NAME_OF_TYPE.split(kind.compile(dialect))[0].lower()
        for kind in kinds
    )


def _copy(
    connection: Connection, into: str, target: _Target, rows: Iterable[tuple[Any, ...]]
) -> int:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101  the engine's only driver
    names = ", ".join(target.columns)
    try:
        with driver.cursor() as cursor:
            # In binary both sides take less: moments above all need not be written out and read.
            with cursor.copy(f"COPY {into} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(_binary_types(connection.dialect, target))
                for row in rows:
                    copy.write_row(row)
            return cursor.rowcount
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    except psycopg.IntegrityError as error:
        # As SQLAlchemy says it of statements that it runs itself.
        raise IntegrityError(f"COPY {into}", None, error) from error


def _copy_beside(connection: Connection, target: _Target, rows: Iterable[tuple[Any, ...]]) -> int:
    """Copy into a table of the moment first: COPY itself fails where rows are there."""
    into, columns = target.into, target.columns
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {_INCOMING} ON COMMIT DROP AS "  # noqa: S608  names of the models
        f"SELECT {', '.join(columns)} FROM {into.name} WITH NO DATA"
    )
    _copy(connection, _INCOMING, target, rows)
    incoming: AnySelect = select(*map(column, columns)).select_from(table(_INCOMING))
    insert = postgresql.insert(into).from_select(columns, incoming, include_defaults=False)
    done = _count(connection, target.settle(insert))
    connection.exec_driver_sql(f"DROP TABLE {_INCOMING}")
    return done
