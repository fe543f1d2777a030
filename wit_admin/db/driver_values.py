"""Values as a database's bare driver takes them, for statements that SQLAlchemy does not run."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import repeat
from json.encoder import encode_basestring_ascii
from typing import Any

from sqlalchemy import JSON, Boolean, Dialect, Enum, LargeBinary, Table

from wit_admin.db.base import UtcDateTime, UuidKey, to_microseconds

_NAME_OF_TYPE = re.compile(r"\(| COLLATE ")
"""What follows the name, as in ``VARCHAR(40) COLLATE "C"``."""


def convert_columns(
    dialect: Dialect, into: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[Iterable[Any]]:
    """Return, column by column, what the driver takes for the values of rows."""
    stored: list[Iterable[Any]] = []
    for name, values in zip(columns, zip(*rows, strict=True), strict=True):
        convert = _converter(dialect, into, name)
        stored.append(map(convert, values) if convert else values)
    return stored


def repeat_value(dialect: Dialect, into: Table, name: str, value: Any, count: int) -> Iterable[Any]:
    """Return the same for one value that all rows have in a column."""
    convert = _converter(dialect, into, name)
    return repeat(convert(value) if convert else value, count)


def binary_types(dialect: Dialect, into: Table, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the types by which PostgreSQL's driver writes columns in binary."""
    kinds = [into.c[name].type for name in columns]
    return tuple(
        "bytea" if isinstance(kind, JSON) else _NAME_OF_TYPE.split(kind.compile(dialect))[0].lower()
        for kind in kinds
    )


def _converter(dialect: Dialect, into: Table, name: str) -> Callable[[Any], Any] | None:
    kind = into.c[name].type
    is_sqlite = dialect.name == "sqlite"
    if isinstance(kind, JSON):
        return _to_json if is_sqlite else _to_jsonb
    # SQLAlchemy would check each of a million booleans, and wrap bytes as often.
    if isinstance(kind, Boolean):
        return _TO_INTEGER.__getitem__ if is_sqlite else None
    if isinstance(kind, LargeBinary):
        return _to_bytearray if is_sqlite else None
    if isinstance(kind, UuidKey) and is_sqlite:
        return _id_to_bytearray
    if isinstance(kind, UtcDateTime) and is_sqlite:
        return to_microseconds
    convert = kind.dialect_impl(dialect).bind_processor(dialect)
    return cache(convert) if convert and isinstance(kind, Enum) else convert


# For each value that is not exactly an int, float, str or bytearray, sqlite3 searches a registry of
# adapters, and the value for a method. That was a third of the time of inserting jj's rows.
_TO_INTEGER = {None: None, False: 0, True: 1}


def _to_bytearray(value: bytes | None) -> bytearray | None:
    return None if value is None else bytearray(value)


def _id_to_bytearray(value: uuid.UUID | None) -> bytearray | None:
    return None if value is None else bytearray(value.bytes)


def _to_json(value: Any) -> str | None:
    """Return the text of a value as json would write it, with less ado about lists of texts."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        try:
            return "[" + ", ".join(map(encode_basestring_ascii, value)) + "]"
        except TypeError:
            # It holds something else than texts.
            pass
    return json.dumps(value)


def _to_jsonb(value: Any) -> bytes | None:
    """Return what PostgreSQL takes for it in binary: a version, and the text."""
    text = _to_json(value)
    return None if text is None else b"\x01" + text.encode()
