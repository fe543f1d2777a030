"""One connection, without a session, for a task of many small steps.

Half of the time of such a task went into overhead: to take a connection from the pool costs a ping,
and each transaction that only reads costs two more round trips.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from wit_admin.db.engine import WRITES
from wit_admin.db.errors import of_sqlite, unavailable


class HeldConnection:
    """One connection for all steps of a task; the first step takes it from the pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_postgresql = engine.dialect.name == "postgresql"
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        """Return itself; no connection is taken yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Return the connection to the pool."""
        self.release()

    def release(self) -> None:
        """Return the connection to the pool before long work; the next step takes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield the connection for reading, without a transaction around the statements."""
        connection = self._take()
        if self._is_postgresql:
            connection.execution_options(isolation_level="AUTOCOMMIT")
        else:
            connection.execution_options(**{WRITES: False})
        try:
            yield connection
        finally:
            connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield the connection in a transaction, which is committed unless an error is raised."""
        connection = self._take()
        if self._is_postgresql:
            connection.execution_options(isolation_level=connection.default_isolation_level)
        else:
            connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection

    def _take(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection


@contextmanager
def renamed_errors(statement: str) -> Iterator[None]:
    """Raise the drivers' errors as SQLAlchemy does for statements that it runs itself."""
    try:
        yield
    except sqlite3.Error as error:
        if renamed := of_sqlite(error):
            raise renamed from error
        raise
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    except psycopg.IntegrityError as error:
        raise IntegrityError(statement, None, error) from error


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Send statements without waiting for the result of each.

    An error may appear at a later statement, or at the end; then none of them takes effect. These
    statements return neither rows nor a number of rows, and cannot be COPY.
    """
    driver = connection.connection.driver_connection
    pipeline: AbstractContextManager[object] = nullcontext()
    if isinstance(driver, psycopg.Connection) and psycopg.Pipeline.is_supported():
        pipeline = driver.pipeline()
    with renamed_errors("pipeline"), pipeline:
        yield
