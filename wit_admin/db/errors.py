"""Translates the drivers' errors: all that a retry can cure become ``UnavailableError``."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from wit_admin.db.breaker import Breaker
from wit_admin.errors import ConfigError, UnavailableError, WitError

_CHECK_SERVER = "Check that it runs and that its URL is right, then try again."
_CHECK_RIGHTS = (
    "Run it as the user who may write to the file and to its folder, on a writable disk."
)
_CHECK_DISK = "Look whether the disk is full or damaged, then run it again."
_TRY_AGAIN = "Try again."
_CHECK_FILE = "Check the path; a damaged file has to come back from a backup."
_SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_PERM: ("it may not be opened", _CHECK_RIGHTS),
    sqlite3.SQLITE_BUSY: ("another process held it for too long", _TRY_AGAIN),
    sqlite3.SQLITE_LOCKED: ("another connection held it for too long", _TRY_AGAIN),
    sqlite3.SQLITE_READONLY: ("it is read-only", _CHECK_RIGHTS),
    sqlite3.SQLITE_IOERR: ("reading or writing the file failed", _CHECK_DISK),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", _CHECK_FILE),
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space, then run it again."),
    sqlite3.SQLITE_CANTOPEN: ("the file cannot be opened", _CHECK_RIGHTS),
    sqlite3.SQLITE_PROTOCOL: ("its lock could not be taken", _TRY_AGAIN),
    sqlite3.SQLITE_NOTADB: ("the file is not a database", _CHECK_FILE),
}
"""Why a database file cannot be used, and what to do, by SQLite's code."""
_SQLITE_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
_SQLITE_MISSING = ("no such table", "no such column", "has no column named")
"""SQLite's messages, all with the same general code, when the schema is not the program's."""
_POSTGRESQL_MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
_PRIMARY_CODE = 0xFF
"""The low byte of SQLite's error code is the kind; the rest is the detail."""


class RenamingPool(QueuePool):
    """A pool that raises ``UnavailableError`` when no connection becomes free."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._breaker = Breaker()

    def connect(self) -> PoolProxiedConnection:
        """Return a connection of the pool.

        Raises:
            UnavailableError: All connections stayed in use, or the database was gone a moment ago.
        """
        self._breaker.check()
        try:
            connection = super().connect()
        except (psycopg.OperationalError, sqlite3.Error, UnavailableError):
            self._breaker.trip()
            raise
        except PoolTimeoutError as error:
            self._breaker.end_trial()
            raise UnavailableError(
                "The database is busy: all connections stayed in use.",
                hint="Try again, or allow more connections.",
            ) from error
        self._breaker.mend()
        return connection


def rename_errors(context: ExceptionContext) -> WitError | None:
    """Return the error to raise instead of a driver's error, or ``None`` to let that pass.

    Violated constraints pass, for the caller to handle; so do mistakes in SQL, which are bugs.
    """
    if context.is_pre_ping:
        # This is only the pool's ping; the pool replaces a dead connection itself.
        return None
    original = context.original_exception
    if isinstance(original, sqlite3.Error):
        return of_sqlite(original)
    if isinstance(original, psycopg.Error):
        return _of_postgresql(original, is_disconnect=context.is_disconnect)
    return None


def of_sqlite(error: sqlite3.Error) -> WitError | None:
    """Return the error to raise instead of SQLite's, or ``None`` to let that pass."""
    # Errors of Python's sqlite3 module for wrong use have no code.
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    reason = _SQLITE_UNAVAILABLE.get(code)
    if reason:
        return _unavailable(*reason)
    message = str(error)
    is_missing = any(words in message for words in _SQLITE_MISSING)
    return _unfit_schema(message) if is_missing else None


def _of_postgresql(error: psycopg.Error, *, is_disconnect: bool) -> WitError | None:
    if isinstance(error, _POSTGRESQL_MISSING):
        return _unfit_schema(_first_line(error))
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return ConfigError(
            f"The database does not let its user do this: {_first_line(error)}.",
            hint="Use the user that ran 'wit-admin db migrate', or grant this one the same rights.",
        )
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return _unavailable("it is read-only", "Use the primary server, or end its read-only mode.")
    return unavailable(error) if is_disconnect or _may_pass(error) else None


def _may_pass(error: psycopg.Error) -> bool:
    """Return whether a retry can help; it cannot if a value is too large."""
    is_too_large = isinstance(error, psycopg.errors.ProgramLimitExceeded)
    return isinstance(error, psycopg.OperationalError) and not is_too_large


def unavailable(error: psycopg.Error) -> UnavailableError:
    """Return the error to raise when PostgreSQL, or the connection to it, is lost."""
    return _unavailable(_first_line(error))


def is_unique_violation(error: IntegrityError) -> bool:
    """Return whether a row was refused because its key is taken."""
    if isinstance(error.orig, sqlite3.IntegrityError):
        return error.orig.sqlite_errorcode in _SQLITE_UNIQUE
    return isinstance(error.orig, psycopg.errors.UniqueViolation)


def _unavailable(reason: str, hint: str = _CHECK_SERVER) -> UnavailableError:
    return UnavailableError(f"The database is not available: {reason}.", hint=hint)


def _unfit_schema(reason: str) -> ConfigError:
    return ConfigError(
        f"The database's schema is not the one this program needs: {reason}.",
        hint="Run 'wit-admin db migrate'.",
    )


def _first_line(error: psycopg.Error) -> str:
    """Return the first line of the driver's error; it has host and user, never the password."""
    lines = (error.diag.message_primary or str(error)).strip().splitlines()
    return lines[0].rstrip(".") if lines else "the connection was lost"
