"""An SQLite file with one small table, for what watches such files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def make_numbers(path: Path) -> Path:
    """Make the file; it keeps a write-ahead log, as the product's do."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE numbers (value INTEGER)")
    return path


def add_number(path: Path) -> None:
    """Commit a row, by a connection of its own."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO numbers VALUES (1)")
