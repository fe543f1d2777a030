"""The audit trail: who changed what, from where, as a chain of digests.

Byte format of a digest: SHA-256 over one JSON object in ASCII, written by ``json.dumps`` with
``sort_keys=True``, ``separators=(",", ":")`` and ``ensure_ascii=True``. Its members are all columns
of ``audit_events`` but ``digest``, also those that are null: ids as text with hyphens,
``created_at`` as a whole number of microseconds since 1970 in UTC, ``previous`` as 64 hexadecimal
digits, ``before`` and ``after`` as objects of the values that ``_plain`` lets through. The first
event is number 1 and its ``previous`` is 64 zeros. Number and digest of the last event stand in
``audit_head`` too.

Whoever may write to the database can compute a whole new chain. Against that, keep what
``audit verify`` prints somewhere else.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.events import AuditOrigin
from wit_admin.db.queries import audit as queries
from wit_admin.db.queries.audit import AuditFilter, Head
from wit_admin.errors import ConflictError
from wit_admin.services.actors import Actor, Client

GENESIS = Head(0, bytes(32))
"""What comes before the first event."""

_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
_SECRET = re.compile(r"password|secret|digest|private_key|credential|^token$", re.IGNORECASE)
_NAMING = {"user", "repository"}
"""Say whose change it is, and so are told although they stay the same."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a change, and from where; what is unknown is ``None``."""

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
    """What was done to what; ``before`` and ``after`` may hold fields that stayed the same."""

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

    The session must be one that writes (``sessions.begin()``). Call it last: until the
    transaction ends no other can record, and one that then waits for this one's rows is a deadlock.

    Raises:
        ConflictError: The end of the trail is missing, so nothing can be added.
    """
    head = queries.lock_head(session)
    if head is None:
        raise ConflictError(
            "The audit trail has lost its end.", hint="Run 'wit-admin audit verify'."
        )
    before, after = _changed(_plain_fields(event.before), _plain_fields(event.after))
    values: dict[str, Any] = {
        "seq": head.seq + 1,
        "previous": head.digest,
        "created_at": utc_now(),
        "origin": by.kind,
        "os_uid": by.os_uid,
        "os_login": _text(by.os_login),
        "actor_id": by.actor_id,
        "actor_name": _text(by.actor_name),
        "token_id": by.token_id,
        "session_id": by.session_id,
        "address": _text(by.address),
        "request_id": _text(by.request_id),
        "action": event.action,
        "target_type": event.target_type,
        "target_id": event.target_id,
        "target_name": _text(event.target_name),
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
    """Write that the schema went from one revision to another, unless it has no audit trail now."""
    with sessions.begin() as session:
        if queries.has_trail(session):
            event = Event(action, before={"revision": before}, after={"revision": after})
            record(session, event, by=by)


def compute_digest(event: Mapping[str, Any]) -> bytes:
    """Return the digest of an event's columns; a ``digest`` among them is left out."""
    members = {name: _canonical(value) for name, value in event.items() if name != "digest"}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).digest()


def list_events(
    sessions: sessionmaker[Session], wanted: AuditFilter, *, limit: int, before: int | None = None
) -> list[Entry]:
    """Return the newest events, the newest first, or those ahead of number ``before``."""
    with sessions() as session:
        rows = queries.list_newest(session, wanted, limit=limit, before=before)
    return [_entry(row) for row in rows]


def list_events_after(
    sessions: sessionmaker[Session], wanted: AuditFilter, *, seq: int, limit: int
) -> list[Entry]:
    """Return the events that follow number ``seq``, the oldest first."""
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


def _plain_fields(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what both databases give back exactly as it was written, without secrets."""
    if fields is None:
        return None
    return {
        name: "(not recorded)" if _SECRET.search(name) and value is not None else _plain(value)
        for name, value in fields.items()
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return _plain_fields({str(name): item for name, item in value.items()})
    if isinstance(value, list | tuple):
        # Thousands of names: to ask of each what else it could be takes as long as all else here.
        return [_text(item) if isinstance(item, str) else _plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    # Also fractions: PostgreSQL gives 1e20 back as a whole number.
    return _text(str(value))


def _text(value: str | None) -> str | None:
    """Return text that every database can keep: no NUL, no half of a surrogate pair."""
    if value is None:
        return None
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _canonical(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return value
