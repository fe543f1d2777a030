"""The chain of digests in the audit trail: each event's digest covers the digest before it.

Byte format of a digest: SHA-256 over one JSON object in ASCII, written by ``json.dumps`` with
``sort_keys=True``, ``separators=(",", ":")`` and ``ensure_ascii=True``. Its members are all columns
of ``audit_events`` but ``digest``, also those that are null: ids as text with hyphens,
``created_at`` as a whole number of microseconds since 1970 in UTC, ``previous`` as 64 hexadecimal
digits, ``before`` and ``after`` as :func:`plain_fields` returns them. The first event is number 1
and its ``previous`` is 64 zeros. Number and digest of the last event stand in ``audit_head`` too.

Whoever may write to the database can compute a whole new chain. Against that, keep what
``audit verify`` prints somewhere else.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from wit_admin.db.queries.audit import Head

GENESIS = Head(0, bytes(32))
"""The head of an empty trail."""

_SECRET = re.compile(r"password|secret|digest|private_key|credential|^token$", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def compute_digest(event: Mapping[str, Any]) -> bytes:
    """Return the digest of an event's columns; a ``digest`` among them is left out."""
    members = {name: _canonical(value) for name, value in event.items() if name != "digest"}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).digest()


def plain_fields(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the fields without secrets, as values that both databases return unchanged."""
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
        return plain_fields({str(name): item for name, item in value.items()})
    if isinstance(value, list | tuple):
        # A fast path for lists of thousands of names, whose checks would take most of the time.
        return [plain_text(item) if isinstance(item, str) else _plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    # Fractions, too: PostgreSQL returns 1e20 as a whole number.
    return plain_text(str(value))


def plain_text(value: str | None) -> str | None:
    """Return text that every database can store: without NUL and lone surrogates."""
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
