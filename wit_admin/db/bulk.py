"""Thousands of rows at once: SQLAlchemy takes each row apart, which costs more than storing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, column, select, table
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from wit_admin.db.errors import unavailable
from wit_admin.db.paging import AnySelect

_WORTH_A_COPY = 200
"""Rows from which on PostgreSQL takes them quicker by COPY, which needs a table to copy into."""
_INCOMING = "incoming"


def insert_new_rows(
    session: Session, into: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> int:
    """Insert rows, leaving out those of which a key is taken; return how many were inserted.

    ``rows`` have a value for each of ``columns``. Defaults that the models have are not applied.

    Raises:
        IntegrityError: A row breaks another constraint; none is inserted.
        UnavailableError: The database was lost.
    """
    if not rows:
        return 0
    connection = session.connection()
    stored = _as_stored(connection, into, columns, rows)
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql and len(rows) >= _WORTH_A_COPY:
        return _copy(connection, into, columns, stored)
    marks = ", ".join(["%s" if is_postgresql else "?"] * len(columns))
    statement = f"INSERT INTO {into.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  names of the models
    done = connection.exec_driver_sql(f"{statement} ON CONFLICT DO NOTHING", list(stored))
    return done.rowcount


def _as_stored(
    connection: Connection, into: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[tuple[Any, ...]]:
    """Turn values into what the driver takes for their columns, column by column."""
    dialect = connection.dialect
    stored: list[Iterable[Any]] = []
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        kind = into.c[name].type
        convert = kind.dialect_impl(dialect).bind_processor(dialect)
        stored.append(map(convert, values) if convert else values)
    return zip(*stored, strict=True)


def _copy(
    connection: Connection, into: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> int:
    names = ", ".join(columns)
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {_INCOMING} ON COMMIT DROP AS "  # noqa: S608  likewise
        f"SELECT {names} FROM {into.name} WITH NO DATA"
    )
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101  the engine's only driver
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {_INCOMING} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    incoming: AnySelect = select(*map(column, columns)).select_from(table(_INCOMING))
    insert = postgresql.insert(into).from_select(columns, incoming, include_defaults=False)
    counted = {"preserve_rowcount": True}
    done = connection.execute(insert.on_conflict_do_nothing(), execution_options=counted)
    connection.exec_driver_sql(f"DROP TABLE {_INCOMING}")
    return done.rowcount
