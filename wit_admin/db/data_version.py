"""Tells in microseconds whether an SQLite database has changed.

Source: SQLite's documentation of ``PRAGMA data_version``.
"""

from __future__ import annotations

import os
import sqlite3
from threading import Lock
from urllib.parse import quote

from sqlalchemy import Engine

Version = tuple[int, int]
"""Which connection was asked, and the number that SQLite counts up for that one alone."""


class DataVersion:
    """Watches one database file; never waits for a lock."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0

    def read(self) -> Version | None:
        """Return a value that differs after each change; ``None`` if it is not known.

        All that was committed before the call is taken into account, by whatever process.
        """
        with self._lock:
            try:
                found = os.stat(self._path)  # noqa: PTH116  for each request
                file = (found.st_dev, found.st_ino)
                if self._connection is None or file != self._file:
                    # Another file has taken the place of the one that was watched.
                    self.close()
                    self._connection, self._file = self._open(), file
                    self._opened += 1
                (number,) = self._connection.execute("PRAGMA data_version").fetchone()
            except (OSError, sqlite3.Error):
                self.close()
                return None
            return self._opened, number

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        uri = f"file:{quote(self._path)}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=0, check_same_thread=False)


def watch_changes(engine: Engine) -> DataVersion | None:
    """Return a watch on the engine's database; ``None`` unless that is SQLite."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    return DataVersion(engine.url.database)
