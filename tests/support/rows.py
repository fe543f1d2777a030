"""One row in every table, made from the metadata alone."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Table

from wit_admin.db import models
from wit_admin.db.base import Base, UtcDateTime, UuidKey

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TABLES = Base.metadata.sorted_tables
__all__ = ["MOMENT", "TABLES", "fill", "models"]


def fill(connection: Connection) -> dict[str, dict[str, Any]]:
    """Put a row with every column set into each table and return the rows by table."""
    rows: dict[str, dict[str, Any]] = {}
    # The one table that a migration puts a row into.
    connection.execute(Base.metadata.tables["audit_head"].delete())
    for table in TABLES:
        row = {column.name: _value(column) for column in table.columns}
        row |= _references(table, rows)
        connection.execute(table.insert().values(row))
        rows[table.name] = row
    return rows


def _references(table: Table, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in table.foreign_keys:
        parent = key.column.table.name
        # A row that refers to its own table refers to nothing here.
        found[key.parent.name] = rows[parent][key.column.name] if parent in rows else None
    return found


def _value(column: Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.Enum):
        first = kind.enum_class
        return next(iter(first)) if first is not None else kind.enums[0]
    samples: list[tuple[type, Any]] = [
        (UtcDateTime, MOMENT),
        (UuidKey, uuid.uuid4()),
        (sa.JSON, [1, "ä"]),
        (sa.Boolean, True),
        (sa.Integer, 7),
        (sa.LargeBinary, b"\x00" * 32),
    ]
    return next((value for type_, value in samples if isinstance(kind, type_)), "text")
