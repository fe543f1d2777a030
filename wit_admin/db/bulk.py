"""Fast bulk inserts: SQLAlchemy's own way costs more for each row than storing it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, Table, column, select, table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from wit_admin.db.base import Base
from wit_admin.db.connections import renamed_errors
from wit_admin.db.core import table_of
from wit_admin.db.driver_values import binary_types, convert_columns, repeat_value
from wit_admin.db.paging import AnySelect
from wit_admin.db.statements import Insert

Values = Mapping[str, Any]

FEW_ROWS = 200
"""From this number of rows on, PostgreSQL is faster by COPY, which needs a temporary table; fewer
rows are written by statements that can be pipelined."""
_INCOMING = "incoming"


@dataclass(frozen=True, slots=True)
class _Target:
    """The table and columns to write, and whether existing rows are kept or overwritten."""

    into: Table
    columns: tuple[str, ...]
    overwrites: bool | None
    """``None`` if no row can exist yet."""

    def settle(self, insert: Insert) -> Insert:
        """Add the ``ON CONFLICT`` clause to an insert statement."""
        if self.overwrites is None:
            return insert
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
    """Insert rows, except those whose key is taken; return how many were inserted.

    Each of ``rows`` has the values of ``columns``; ``same`` has the columns with the same value in
    all rows. The defaults of the models are not applied.

    Raises:
        IntegrityError: A row breaks another constraint; none is inserted.
        UnavailableError: The database was lost.
    """
    return _insert(session, _Target(into, (*same, *columns), overwrites=False), rows, same)


def upsert(database: Session | Connection, model: type[Base], rows: Sequence[Values]) -> None:
    """Insert rows, or overwrite these columns in rows that exist. All must have the same columns.

    The defaults of the model are not applied. Rows sorted by key are written faster.

    Raises:
        IntegrityError: A row breaks a constraint.
        UnavailableError: The database was lost.
    """
    if rows:
        columns = tuple(rows[0])
        values = [tuple(map(row.__getitem__, columns)) for row in rows]
        upsert_rows(database, model, columns, values)


def upsert_rows(  # noqa: PLR0913  all but four are named
    database: Session | Connection,
    model: type[Base],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    same: Values = MappingProxyType({}),
    are_new: bool = False,
) -> None:
    """Like :func:`upsert`, with rows as sequences.

    Each of ``rows`` has the values of ``columns``; ``same`` has the columns with the same value in
    all rows. With ``are_new`` (none of the rows can exist yet) it is faster.

    Raises:
        IntegrityError: A row breaks a constraint, or exists although ``are_new`` was given.
        UnavailableError: The database was lost.
    """
    overwrites = None if are_new else True
    target = _Target(table_of(model), (*same, *columns), overwrites=overwrites)
    _insert(database, target, rows, same)


def _insert(
    database: Session | Connection, target: _Target, rows: Sequence[Sequence[Any]], same: Values
) -> int:
    if not rows:
        return 0
    connection = database if isinstance(database, Connection) else _connection_of(database)
    if connection.dialect.name == "sqlite":
        sql, order = _compile(connection.dialect, target)
        stored = _as_stored(connection.dialect, target, rows, same)
        return connection.exec_driver_sql(
            sql, list(zip(*map(stored.__getitem__, order), strict=True))
        ).rowcount
    if len(rows) < FEW_ROWS:
        values = [dict(zip(target.columns, (*same.values(), *row), strict=True)) for row in rows]
        return _count(connection, _build(target), values)
    stored = _as_stored(connection.dialect, target, rows, same)
    in_order = zip(*stored, strict=True)
    if target.overwrites is None:
        return _copy(connection, target.into.name, target, in_order)
    return _copy_beside(connection, target, in_order)


def _connection_of(session: Session) -> Connection:
    # These rows may refer to objects that the session has not written yet.
    session.flush()
    return session.connection()


@lru_cache
def _build(target: _Target) -> Insert:
    # Building the statement each time would take longer than writing a few rows.
    return target.settle(postgresql.insert(target.into))


@lru_cache
def _compile(dialect: Dialect, target: _Target) -> tuple[str, tuple[int, ...]]:
    """Return the statement for SQLite, and the order in which it takes the columns."""
    statement = target.settle(sqlite.insert(target.into))
    compiled = statement.compile(dialect=dialect, column_keys=list(target.columns))
    names = (name for name in compiled.params if name in target.columns)
    return str(compiled), tuple(map(target.columns.index, names))


def _as_stored(
    dialect: Dialect, target: _Target, rows: Sequence[Sequence[Any]], same: Values
) -> list[Iterable[Any]]:
    """Return the values, column by column, as the driver takes them."""
    into, count = target.into, len(rows)
    fixed = [repeat_value(dialect, into, name, value, count) for name, value in same.items()]
    return fixed + convert_columns(dialect, into, target.columns[len(same) :], rows)


def _count(
    connection: Connection, statement: Insert, values: Sequence[Values] | None = None
) -> int:
    counted = {"preserve_rowcount": True}
    return connection.execute(statement, values, execution_options=counted).rowcount


@lru_cache
def _binary_types(dialect: Dialect, target: _Target) -> tuple[str, ...]:
    return binary_types(dialect, target.into, target.columns)


def _copy(
    connection: Connection, into: str, target: _Target, rows: Iterable[tuple[Any, ...]]
) -> int:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101  the engine's only driver
    names = ", ".join(target.columns)
    with renamed_errors(f"COPY {into}"), driver.cursor() as cursor:
        # The binary format costs both sides less, above all for timestamps.
        with cursor.copy(f"COPY {into} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(_binary_types(connection.dialect, target))
            for row in rows:
                copy.write_row(row)
        return cursor.rowcount


def _copy_beside(connection: Connection, target: _Target, rows: Iterable[tuple[Any, ...]]) -> int:
    """Copy into a temporary table first, since COPY itself fails if a row exists already."""
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
