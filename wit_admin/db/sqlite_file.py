"""Detects that the file of an SQLite database was removed or replaced while it is open."""

from __future__ import annotations

import os
import sqlite3

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from wit_admin.errors import UnavailableError

_FILE = "wit_file"


def watch_file(engine: Engine, path: str) -> None:
    """Raise an error or reconnect when the database's file was removed or replaced.

    SQLite would continue in the removed file, or create a new one without tables.
    """
    was_seen = False

    @event.listens_for(engine, "do_connect")
    def _refuse_to_make_another(*_: object) -> None:
        if was_seen and not os.path.exists(path):  # noqa: PTH110  on each connect
            raise _file_is_gone()

    @event.listens_for(engine, "connect")
    def _remember(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        nonlocal was_seen
        was_seen = True
        record.info[_FILE] = _identity(path)

    @event.listens_for(engine, "checkout")
    def _compare(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        now = _identity(path)
        if now is None:
            raise _file_is_gone()
        if record.info[_FILE] != now:
            raise DisconnectionError


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  on each use of a connection
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _file_is_gone() -> UnavailableError:
    return UnavailableError(
        "The database is not available: its file is gone.", hint="Put it back, then try again."
    )
