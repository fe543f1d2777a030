"""The shortest beginnings of ids that name one thing in one repository, and finding by them."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.orm import InstrumentedAttribute


def shortest_prefix(key: str, *neighbours: str | None) -> str:
    """Return as much of ``key`` as none of the ids just before and after it begins with."""
    length = 1 + max((_common(key, other) for other in neighbours if other), default=0)
    return key[:length]


def neighbours(
    column: InstrumentedAttribute[str], repo_column: InstrumentedAttribute[uuid.UUID], key: Any
) -> tuple[ScalarSelect[Any], ScalarSelect[Any]]:
    """Return what finds the ids just before and after ``key``: two looks into the primary key."""
    same_repository = repo_column == key.class_.repo_id
    return (
        select(func.max(column)).where(same_repository, column < key).scalar_subquery(),
        select(func.min(column)).where(same_repository, column > key).scalar_subquery(),
    )


def begins(column: InstrumentedAttribute[str], prefix: str) -> ColumnElement[bool]:
    """Return what holds where an id begins with ``prefix``, and is found by an index."""
    # Not LIKE, for which no index helps. No letter of an id comes behind z, in any collation.
    return column.between(prefix, prefix + "z" * 128)


def _common(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
