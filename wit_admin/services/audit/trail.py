"""The audit trail: who changed what, from where.

Events form a chain, see :mod:`wit_admin.services.audit.chain`; ``check`` verifies it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.events import AuditOrigin
from wit_admin.db.queries import audit as queries
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import ConflictError
from wit_admin.services.access.actors import Actor, Client
from wit_admin.services.audit.chain import compute_digest, plain_fields, plain_text

_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
_NAMING = {"user", "repository"}
"""Fields that are kept in an event even if they did not change: they say whose change it is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a change, and from where; unknown parts are ``None``."""

    kind: AuditOrigin = AuditOrigin.SYSTEM
    os_uid: int | None = None
    os_login: str | None = None
    actor_id: uuid.UUID | None = None
    actor_name: str | None = None
    token_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    address: str | None = None
    request_id: str | None = None


SYSTEM = Origin()
"""The program itself, without a user's request."""


def http_origin(actor: Actor | None, client: Client) -> Origin:
    """Return who asked over HTTP, and from where."""
    return Origin(
        AuditOrigin.HTTP,
        actor_id=actor.user_id if actor else None,
        actor_name=actor.username if actor else None,
        token_id=actor.token_id if actor else None,
        session_id=actor.session_id if actor else None,
        address=client.ip,
        request_id=client.request_id,
    )


@dataclass(frozen=True, slots=True)
class Event:
    """An action and its target; ``before`` and ``after`` may have fields that did not change."""

    action: str
    """Noun and verb: ``token.create``."""
    target_type: str | None = None
    target_id: uuid.UUID | None = None
    target_name: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not _ACTION.fullmatch(self.action):
            raise ValueError(f"{self.action!r} is not of the form noun.verb")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as lists show it."""

    seq: int
    created_at: datetime
    who: str
    origin: AuditOrigin
    os_uid: int | None
    os_login: str | None
    actor_id: uuid.UUID | None
    actor_name: str | None
    token_id: uuid.UUID | None
    session_id: uuid.UUID | None
    address: str | None
    request_id: str | None
    action: str
    target_type: str | None
    target_id: uuid.UUID | None
    target_name: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    digest: str


def record(session: Session, event: Event, *, by: Origin = SYSTEM) -> int:
    """Write one event in the session's transaction and return its number.

    The session must be one that writes (``sessions.begin()``). Call it last: until the transaction
    ends, no other can record. To wait for rows after this, which another transaction may hold
    while it waits to record, would be a deadlock.

    Raises:
        ConflictError: The end of the trail is missing, so nothing can be added.
    """
    # Before the lock is taken, so that others wait less.
    before, after = _changed(plain_fields(event.before), plain_fields(event.after))
    head = queries.lock_head(session)
    if head is None:
        raise ConflictError(
            "The audit trail has lost its end.", hint="Run 'wit-admin audit verify'."
        )
    values: dict[str, Any] = {
        "seq": head.seq + 1,
        "previous": head.digest,
        "created_at": utc_now(),
        "origin": by.kind,
        "os_uid": by.os_uid,
        "os_login": plain_text(by.os_login),
        "actor_id": by.actor_id,
        "actor_name": plain_text(by.actor_name),
        "token_id": by.token_id,
        "session_id": by.session_id,
        "address": plain_text(by.address),
        "request_id": plain_text(by.request_id),
        "action": event.action,
        "target_type": event.target_type,
        "target_id": event.target_id,
        "target_name": plain_text(event.target_name),
        "before": before,
        "after": after,
    }
    queries.append(session, values | {"digest": compute_digest(values)})
    return head.seq + 1


def record_schema_change(
    sessions: sessionmaker[Session],
    action: str,
    before: str | None,
    after: str | None,
    *,
    by: Origin,
) -> None:
    """Record a change of the schema's revision, if the new schema has an audit trail."""
    with sessions.begin() as session:
        if queries.has_trail(session):
            event = Event(action, before={"revision": before}, after={"revision": after})
            record(session, event, by=by)


def list_events(
    sessions: sessionmaker[Session], wanted: AuditFilter, *, limit: int, before: int | None = None
) -> list[Entry]:
    """Return the newest events, the newest first; with ``before`` those before that number."""
    with sessions() as session:
        rows = queries.list_newest(session, wanted, limit=limit, before=before)
    return [_entry(row) for row in rows]


def list_events_after(
    sessions: sessionmaker[Session], wanted: AuditFilter, *, seq: int, limit: int
) -> list[Entry]:
    """Return the events after number ``seq``, the oldest first."""
    with sessions() as session:
        rows = queries.list_after(session, wanted, seq=seq, limit=limit)
    return [_entry(row) for row in rows]


def _entry(row: Mapping[str, Any]) -> Entry:
    shown = {name: value for name, value in row.items() if name not in {"previous", "digest"}}
    who = row["actor_name"] or row["os_login"] or row["origin"].value
    return Entry(**shown, who=who, digest=row["digest"].hex())


def _changed(
    before: dict[str, Any] | None, after: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if before is None or after is None:
        return before, after
    same = {name for name, value in before.items() if name in after and after[name] == value}
    same -= _NAMING
    return (
        {name: value for name, value in before.items() if name not in same},
        {name: value for name, value in after.items() if name not in same},
    )
