"""The shortest beginnings of ids that name one thing in one repository, and finding by them."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.orm import InstrumentedAttribute


def shortest_prefix(key: str, *neighbours: str | None) -> str:
    """Return the shortest prefix of ``key`` that the ids just before and after it do not share."""
    length = 1 + max((_common(key, other) for other in neighbours if other), default=0)
    return key[:length]


def neighbours(
    column: InstrumentedAttribute[str], repo_column: InstrumentedAttribute[uuid.UUID], key: Any
) -> tuple[ScalarSelect[Any], ScalarSelect[Any]]:
    """Return subqueries for the ids just before and after ``key``, which the primary key finds."""
    same_repository = repo_column == key.class_.repo_id
    return (
        select(func.max(column)).where(same_repository, column < key).scalar_subquery(),
        select(func.min(column)).where(same_repository, column > key).scalar_subquery(),
    )


def begins(column: InstrumentedAttribute[str], prefix: str) -> ColumnElement[bool]:
    """Return the condition that an id begins with ``prefix``; an index finds these ids."""
    # An index does not help LIKE. No letter of an id sorts after z, in any collation.
    return column.between(prefix, prefix + "z" * 128)


def _common(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
