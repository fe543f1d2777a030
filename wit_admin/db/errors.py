"""Translates the drivers' errors where they enter: all that can be retried become one kind."""

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
"""Why a file cannot be used, and what to do."""
_SQLITE_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
_SQLITE_MISSING = ("no such table", "no such column", "has no column named")
"""What SQLite says, under its catch-all code, of a schema that is not the program's."""
_POSTGRESQL_MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
_PRIMARY_CODE = 0xFF
"""SQLite keeps the kind of an error in its low byte, the detail above."""


class RenamingPool(QueuePool):
    """A pool that says in our words that no connection became free."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._breaker = Breaker()

    def connect(self) -> PoolProxiedConnection:
        """Return a connection of the pool.

        Raises:
            UnavailableError: All stayed in use for as long as the pool waits, or the database
                was gone a moment ago.
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
    """Return what to raise in place of a driver's error, or ``None`` to let it pass.

    Violated constraints and other mistakes in SQL pass; they say something to the caller or of us.
    """
    if context.is_pre_ping:
        # The pool is only asking whether the connection lives; it replaces a dead one itself.
        return None
    original = context.original_exception
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original)
    if isinstance(original, psycopg.Error):
        return _of_postgresql(original, is_disconnect=context.is_disconnect)
    return None


def _of_sqlite(error: sqlite3.Error) -> WitError | None:
    # Python's own misuse errors carry no code.
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
    """Tell whether trying again can help; not with what is too large to be written."""
    is_too_large = isinstance(error, psycopg.errors.ProgramLimitExceeded)
    return isinstance(error, psycopg.OperationalError) and not is_too_large


def unavailable(error: psycopg.Error) -> UnavailableError:
    """Return what to raise in place of an error by which PostgreSQL, or the way to it, is lost."""
    return _unavailable(_first_line(error))


def is_unique_violation(error: IntegrityError) -> bool:
    """Tell whether a row was refused because its key is taken."""
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
    """Return the driver's first line, which names host and user and never the password."""
    lines = (error.diag.message_primary or str(error)).strip().splitlines()
    return lines[0].rstrip(".") if lines else "the connection was lost"
