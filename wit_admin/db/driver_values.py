"""Values as a database's bare driver takes them, for statements that SQLAlchemy does not run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import repeat
from typing import Any

from sqlalchemy import JSON, Boolean, Dialect, Enum, LargeBinary, Table

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
    if isinstance(kind, JSON):
        return _to_json if dialect.name == "sqlite" else _to_jsonb
    # Both drivers take these for what they are; to check True a million times, and to wrap bytes
    # as often, costs as much as all else.
    if isinstance(kind, Boolean | LargeBinary):
        return None
    convert = kind.dialect_impl(dialect).bind_processor(dialect)
    return cache(convert) if convert and isinstance(kind, Enum) else convert


def _to_json(value: Any) -> str | None:
    """Return the text of a value as json would write it, with less ado about lists of ids."""
    if value is None:
        return None
    try:
        words = "".join(value) if isinstance(value, (list, tuple)) else ""
    except TypeError:
        words = ""
    if words.isascii() and words.isalnum():
        return '["' + '", "'.join(value) + '"]'
    return json.dumps(value)


def _to_jsonb(value: Any) -> bytes | None:
    """Return what PostgreSQL takes for it in binary: a version, and the text."""
    text = _to_json(value)
    return None if text is None else b"\x01" + text.encode()
