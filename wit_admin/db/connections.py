"""Connections without a session, for a task of many small steps: half of its time went into those.

To take one from the pool is to ask the server whether it lives, and each transaction that only
reads costs two more round trips.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from wit_admin.db.engine import WRITES
from wit_admin.db.errors import unavailable


class HeldConnection:
    """One connection for all steps of a task; taken when the first one needs it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_postgresql = engine.dialect.name == "postgresql"
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the connection back."""
        self.release()

    def release(self) -> None:
        """Give the connection back ahead of work that takes long; the next step takes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield the connection for statements that only read, each of its own moment."""
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
        """Yield the connection in a transaction that is committed unless an error leaves it."""
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
    """Turn errors of PostgreSQL's driver into those of statements that SQLAlchemy runs itself."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    except psycopg.IntegrityError as error:
        raise IntegrityError(statement, None, error) from error


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Send statements whose results nobody looks at without waiting for each of them.

    An error of one may show at a later one, or at the end; none of the others counts then. Neither
    rows nor their number can be had of such a statement, and none can be a COPY.
    """
    driver = connection.connection.driver_connection
    pipeline: AbstractContextManager[object] = nullcontext()
    if isinstance(driver, psycopg.Connection) and psycopg.Pipeline.is_supported():
        pipeline = driver.pipeline()
    with renamed_errors("pipeline"), pipeline:
        yield
