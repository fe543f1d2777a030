"""Statements that differ between SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
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


def insert_into(session: Session, into: Table | type[Base]) -> Insert:
    """Return an insert that can say what becomes of rows that are there."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(into) if is_postgresql else sqlite.insert(into)


def insert_new(session: Session, model: type[Base], **values: Any) -> bool:
    """Insert a row unless its key is there already; tell whether it was inserted.

    If many try at once, this holds for exactly one.
    """
    key = inspect(model).primary_key
    insert = insert_into(session, model).values(**values)
    statement = insert.on_conflict_do_nothing().returning(*key)
    return session.execute(statement).first() is not None


def is_one_of(
    session: Session, column: InstrumentedAttribute[str], texts: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of these texts, which are one parameter.

    Of thousands the rendering of as many parameters takes longer than the query.
    """
    wanted = sorted(texts)
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(literal(wanted, ARRAY(String)))
    each = func.json_each(json.dumps(wanted)).table_valued("value")
    return column.in_(select(each.c.value))


def forget_pages(session: Session) -> None:
    """Give back the memory of pages that SQLite has read or written, for who goes through them all.

    It would keep 64 MB of them. What a transaction has not committed yet stays.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA shrink_memory")


def count_anew(session: Session, *models: type[Base]) -> None:
    """Let PostgreSQL look at tables that grew by much: till then it plans as if they were empty.

    By itself it looks within a minute, unless that is turned off. SQLite plans without.
    """
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(model.__tablename__ for model in models)
        session.connection().exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {names}")


def hold_snapshot(session: Session) -> None:
    """Let all that this session reads from now on be of one moment; call it first."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def refuse_duplicates(session: Session, message: str, *, hint: str | None = None) -> Iterator[None]:
    """Write what was added to ``session``; a name that is taken becomes a ``ConflictError``.

    What happened before in the transaction is kept. Other violated constraints pass.
    """
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if not is_unique_violation(error):
            raise
        raise ConflictError(message, hint=hint) from error
