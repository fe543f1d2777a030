"""The audit trail: appended under the lock of its head, listed by number."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, insert, inspect, not_, or_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.core import execute_core, table_of
from wit_admin.db.models.events import AuditEvent, AuditHead

_EVENTS, _HEADS = table_of(AuditEvent), table_of(AuditHead)
_HEAD_ID = 1
_CHUNK = 2000

# Each push runs these. Built once and run without the ORM they take a third of the time.
_HEAD = select(_HEADS.c.seq, _HEADS.c.digest).where(_HEADS.c.id == _HEAD_ID)
_LOCKED_HEAD = _HEAD.with_for_update()
_APPEND = insert(_EVENTS)
_MOVE_HEAD = (
    update(_HEADS)
    .where(_HEADS.c.id == _HEAD_ID)
    .values(seq=bindparam("seq_"), digest=bindparam("digest_"))
)
_APPEND_AND_MOVE_HEAD = _MOVE_HEAD.add_cte(
    insert(_EVENTS)
    .values({each.name: bindparam(f"new_{each.name}", type_=each.type) for each in _EVENTS.c})
    .cte("appended")
)
"""Both at once, for PostgreSQL: whoever waits for the head waits for each statement."""


@dataclass(frozen=True, slots=True)
class Head:
    """Number and digest of the last event; 0 and zero bytes before the first."""

    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events are wanted; all conditions must hold; ``None`` is no condition."""

    actor: str | None = None
    """Name of an account or of a unix user."""
    action: str | None = None
    """``token.create``, or ``token`` for all that is done to tokens."""
    target: str | None = None
    """Its name."""
    since: datetime | None = None
    until: datetime | None = None
    without: str | None = None
    """An action, or all that is done to something: not these."""


def has_trail(session: Session) -> bool:
    """Return whether the schema has an audit trail; an older or empty one has none."""
    return inspect(session.connection()).has_table(AuditHead.__tablename__)


def lock_head(session: Session) -> Head | None:
    """Return the end of the trail; no other transaction gets it before this one ends.

    ``None`` if its row is missing. SQLite knows no row locks: there a transaction that writes
    has the whole file to itself from its start.
    """
    row = execute_core(session, _LOCKED_HEAD, {}).one_or_none()
    return None if row is None else Head(*row)


def find_head(session: Session) -> Head | None:
    """Return the end of the trail as this transaction sees it."""
    row = execute_core(session, _HEAD, {}).one_or_none()
    return None if row is None else Head(*row)


def append(session: Session, values: Mapping[str, Any]) -> None:
    """Write an event (all columns) and make it the end of the trail."""
    head = {"seq_": values["seq"], "digest_": values["digest"]}
    if session.get_bind().dialect.name == "postgresql":
        new = {f"new_{name}": value for name, value in values.items()}
        execute_core(session, _APPEND_AND_MOVE_HEAD, {**new, **head})
    else:
        execute_core(session, _APPEND, values)
        execute_core(session, _MOVE_HEAD, head)


def iterate(session: Session) -> Iterator[dict[str, Any]]:
    """Yield all events by number, each as its columns; memory holds a few thousand."""
    after: int | None = None
    while True:
        query = select(_EVENTS).order_by(_EVENTS.c.seq).limit(_CHUNK)
        if after is not None:
            query = query.where(_EVENTS.c.seq > after)
        rows = [dict(row) for row in session.execute(query).mappings()]
        yield from rows
        if len(rows) < _CHUNK:
            return
        after = rows[-1]["seq"]


def list_newest(
    session: Session, wanted: AuditFilter, *, limit: int, before: int | None = None
) -> list[dict[str, Any]]:
    """Return the newest events, the newest first, or those ahead of number ``before``."""
    query = select(_EVENTS).where(*_conditions(wanted)).order_by(_EVENTS.c.seq.desc())
    if before is not None:
        query = query.where(_EVENTS.c.seq < before)
    return [dict(row) for row in session.execute(query.limit(limit)).mappings()]


def list_after(
    session: Session, wanted: AuditFilter, *, seq: int, limit: int
) -> list[dict[str, Any]]:
    """Return the events that follow number ``seq``, the oldest first."""
    query = select(_EVENTS).where(_EVENTS.c.seq > seq, *_conditions(wanted))
    query = query.order_by(_EVENTS.c.seq).limit(limit)
    return [dict(row) for row in session.execute(query).mappings()]


def list_targets(
    session: Session, action: str, target_type: str, target_id: uuid.UUID
) -> list[str]:
    """Return the names that something had when this was done to it."""
    query = select(_EVENTS.c.target_name).where(
        _EVENTS.c.target_type == target_type,
        _EVENTS.c.target_id == target_id,
        _EVENTS.c.action == action,
        _EVENTS.c.target_name.is_not(None),
    )
    return list(session.scalars(query))


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    columns = _EVENTS.c
    if wanted.actor is not None:
        yield or_(columns.actor_name == wanted.actor, columns.os_login == wanted.actor)
    if wanted.action is not None:
        yield _is_of(wanted.action)
    if wanted.without is not None:
        yield not_(_is_of(wanted.without))
    if wanted.target is not None:
        yield columns.target_name == wanted.target
    if wanted.since is not None:
        yield columns.created_at >= wanted.since
    if wanted.until is not None:
        yield columns.created_at < wanted.until


def _is_of(action: str) -> ColumnElement[bool]:
    is_family = _EVENTS.c.action.startswith(f"{action}.", autoescape=True)
    return or_(_EVENTS.c.action == action, is_family)
