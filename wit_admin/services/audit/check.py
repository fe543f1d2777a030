"""Verifies the audit trail: was an event changed, dropped, inserted or moved?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import audit as queries
from wit_admin.db.queries.audit import Head
from wit_admin.db.statements import hold_snapshot
from wit_admin.errors import InvalidInputError
from wit_admin.services.audit.chain import GENESIS, compute_digest

_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Finding:
    """One error in the trail."""

    seq: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying the whole trail."""

    events: int
    head_seq: int
    head_digest: str
    findings: tuple[Finding, ...]


def parse_head(text: str) -> Head:
    """Parse the number and digest of an event, as ``audit verify`` prints them.

    Raises:
        InvalidInputError: The text has another form.
    """
    seq, _, digest = text.strip().partition(" ")
    try:
        head = Head(int(seq), bytes.fromhex(digest))
    except ValueError:
        head = GENESIS
    if head.seq < 1 or len(head.digest) != _DIGEST_BYTES:
        raise InvalidInputError(
            "That is no end of an audit trail.",
            hint="Give number and digest as 'wit-admin audit verify' printed them.",
        )
    return head


def verify_trail(sessions: sessionmaker[Session], kept: Head | None = None) -> Verdict:
    """Verify the whole trail as of one moment, without blocking writers.

    ``kept`` is an earlier head of the trail. Somebody who can write to the database can shorten or
    recompute the trail so that it is consistent, but not so that it still contains this event.
    """
    with sessions() as session:
        hold_snapshot(session)
        head = queries.find_head(session)
        last, count, is_kept = GENESIS, 0, kept is None
        findings: list[Finding] = []
        for event in queries.iterate(session):
            findings += _compare(event, last)
            last, count = Head(event["seq"], event["digest"]), count + 1
            is_kept = is_kept or last == kept
    findings += _compare_end(last, head)
    if kept is not None and not is_kept:
        findings.append(Finding(kept.seq, f"Event {kept.seq} is not the one that was kept."))
    end = head or last
    return Verdict(count, end.seq, end.digest.hex(), tuple(findings))


def _compare(event: Mapping[str, Any], last: Head) -> Iterator[Finding]:
    seq = event["seq"]
    is_next = seq == last.seq + 1
    if seq < 1:
        yield Finding(seq, f"Event {seq} was inserted: the trail starts at 1.")
    elif not is_next:
        gone = str(last.seq + 1) if seq == last.seq + 2 else f"{last.seq + 1} to {seq - 1}"
        yield Finding(last.seq + 1, f"Dropped: {gone}.")
    elif event["previous"] != last.digest:
        yield Finding(seq, f"Event {seq} does not follow event {last.seq}: inserted or moved.")
    if compute_digest(event) != event["digest"]:
        yield Finding(seq, f"Event {seq} was changed.")


def _compare_end(last: Head, head: Head | None) -> Iterator[Finding]:
    if head is None:
        yield Finding(last.seq, "The row that keeps the trail's end is missing.")
    elif head.seq > last.seq:
        yield Finding(last.seq + 1, f"Dropped at the end: {last.seq + 1} to {head.seq}.")
    elif head.seq < last.seq:
        yield Finding(head.seq + 1, f"Inserted at the end: {head.seq + 1} to {last.seq}.")
    elif head.digest != last.digest:
        yield Finding(last.seq, f"Event {last.seq} is not the one the trail ended with.")
