"""Rows by the thousand: SQLAlchemy takes each row apart, which costs more than storing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Boolean, Connection, Dialect, Table, column, select, table
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
    session: Session, into: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> int:
    """Insert rows, leaving out those of which a key is taken; return how many were inserted.

    ``rows`` have a value for each of ``columns``. Defaults that the models have are not applied.

    Raises:
        IntegrityError: A row breaks another constraint; none is inserted.
        UnavailableError: The database was lost.
    """
    return _insert(session, _Target(into, tuple(columns), overwrites=False), rows)


def upsert(
    session: Session, model: type[Base], rows: Sequence[Values], *, are_new: bool = False
) -> None:
    """Insert rows that all have the same columns, or write those columns of them anew.

    Defaults that the model has are not applied. Sorted by key they are written faster, and faster
    still where they ``are_new``, that is where none of them can be there.

    Raises:
        IntegrityError: A row breaks a constraint, or is there although it was said to be new.
        UnavailableError: The database was lost.
    """
    if rows:
        columns = tuple(rows[0])
        in_order = [tuple(map(row.__getitem__, columns)) for row in rows]
        target = _Target(table_of(model), columns, overwrites=True)
        _insert(session, target, in_order, are_new=are_new)


def _insert(
    session: Session, target: _Target, rows: Sequence[Sequence[Any]], *, are_new: bool = False
) -> int:
    if not rows:
        return 0
    # What the session was given before may be what these rows refer to.
    session.flush()
    connection = session.connection()
    dialect, into, columns = connection.dialect, target.into, target.columns
    if dialect.name == "sqlite":
        sql, order = _compile(dialect, target)
        in_order = rows if order is None else [tuple(map(row.__getitem__, order)) for row in rows]
        names = columns if order is None else tuple(map(columns.__getitem__, order))
        stored = _as_stored(dialect, into, names, in_order)
        return connection.exec_driver_sql(sql, list(stored)).rowcount
    if len(rows) < _WORTH_A_COPY:
        values = [dict(zip(columns, row, strict=True)) for row in rows]
        return _count(connection, _build(target), values)
    stored = _as_stored(dialect, into, columns, rows)
    if are_new:
        return _copy(connection, into.name, columns, stored)
    return _copy_beside(connection, target, stored)


@lru_cache
def _build(target: _Target) -> Insert:
    # To build it anew each time takes longer than to write a few rows.
    return target.settle(postgresql.insert(target.into))


@lru_cache
def _compile(dialect: Dialect, target: _Target) -> tuple[str, tuple[int, ...] | None]:
    """Return SQLite's statement, and in which order it takes the columns if not as they are."""
    statement = target.settle(sqlite.insert(target.into))
    compiled = statement.compile(dialect=dialect, column_keys=list(target.columns))
    names = tuple(name for name in compiled.params if name in target.columns)
    order = None if names == target.columns else tuple(map(target.columns.index, names))
    return str(compiled), order


def _count(
    connection: Connection, statement: Insert, values: Sequence[Values] | None = None
) -> int:
    counted = {"preserve_rowcount": True}
    return connection.execute(statement, values, execution_options=counted).rowcount


def _as_stored(
    dialect: Dialect, into: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[tuple[Any, ...]]:
    """Turn values into what the driver takes for their columns, column by column."""
    stored: list[Iterable[Any]] = []
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        convert = _converter(dialect, into, name)
        stored.append(map(convert, values) if convert else values)
    return zip(*stored, strict=True)


def _converter(dialect: Dialect, into: Table, name: str) -> Callable[[Any], Any] | None:
    kind = into.c[name].type
    # Both drivers take True for what it is; to check it a million times costs as much as all else.
    return None if isinstance(kind, Boolean) else kind.dialect_impl(dialect).bind_processor(dialect)


def _copy(
    connection: Connection, target: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> int:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101  the engine's only driver
    names = ", ".join(columns)
    try:
        with driver.cursor() as cursor:
            with cursor.copy(f"COPY {target} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return cursor.rowcount
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    except psycopg.IntegrityError as error:
        # As SQLAlchemy says it of statements that it runs itself.
        raise IntegrityError(f"COPY {target}", None, error) from error


def _copy_beside(connection: Connection, target: _Target, rows: Iterable[tuple[Any, ...]]) -> int:
    """Copy into a table of the moment first: COPY itself fails where rows are there."""
    into, columns = target.into, target.columns
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {_INCOMING} ON COMMIT DROP AS "  # noqa: S608  names of the models
        f"SELECT {', '.join(columns)} FROM {into.name} WITH NO DATA"
    )
    _copy(connection, _INCOMING, columns, rows)
    incoming: AnySelect = select(*map(column, columns)).select_from(table(_INCOMING))
    insert = postgresql.insert(into).from_select(columns, incoming, include_defaults=False)
    done = _count(connection, target.settle(insert))
    connection.exec_driver_sql(f"DROP TABLE {_INCOMING}")
    return done
