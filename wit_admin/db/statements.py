"""Statements that differ between SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, Table, any_, func, inspect, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from wit_admin.db.base import Base
from wit_admin.db.errors import is_unique_violation
from wit_admin.errors import ConflictError

Insert = postgresql.Insert | sqlite.Insert
_CHUNK = 5000
"""How many rows or keys go into one statement."""


def insert_into(session: Session, into: Table | type[Base]) -> Insert:
    """Return an insert of the database's own dialect, which has ``ON CONFLICT``."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(into) if is_postgresql else sqlite.insert(into)


def insert_new(session: Session, model: type[Base], **values: Any) -> bool:
    """Insert a row unless its key is there already; return whether it was inserted.

    If many try at once, this holds for exactly one.
    """
    key = inspect(model).primary_key
    insert = insert_into(session, model).values(**values)
    statement = insert.on_conflict_do_nothing().returning(*key)
    return session.execute(statement).first() is not None


def equalities(wanted: Mapping[Any, Any]) -> list[ColumnElement[bool]]:
    """Return ``column = value`` for each column whose value is not ``None``."""
    return [column == value for column, value in wanted.items() if value is not None]


def is_one_of(
    session: Session, column: InstrumentedAttribute[str], texts: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of these texts, passed as one parameter.

    With thousands of parameters, rendering them would take longer than the query.
    """
    wanted = sorted(texts)
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(literal(wanted, ARRAY(String)))
    each = func.json_each(json.dumps(wanted)).table_valued("value")
    return column.in_(select(each.c.value))


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield parts that fit into one statement."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def forget_pages(session: Session) -> None:
    """Free the memory in which SQLite caches pages, for callers that go through whole tables.

    It would keep 64 MB. Pages of a transaction that is not committed yet stay.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA shrink_memory")


def count_anew(session: Session, *models: type[Base]) -> None:
    """Update PostgreSQL's statistics of tables that grew by much; it planned as if they were empty.

    By itself it does so within a minute, unless autovacuum is off. SQLite needs none.
    """
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(model.__tablename__ for model in models)
        session.connection().exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {names}")


def hold_snapshot(session: Session) -> None:
    """Have the session read from one snapshot; call this before its first query."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def refuse_duplicates(session: Session, message: str, *, hint: str | None = None) -> Iterator[None]:
    """Raise ``ConflictError`` if what is written within the block needs a key that is taken.

    The block is a savepoint, so what the transaction did before is kept. Other violated
    constraints pass.
    """
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if not is_unique_violation(error):
            raise
        raise ConflictError(message, hint=hint) from error
