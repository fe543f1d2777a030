"""Decodes operations.

Source: jj's lib/src/protos/simple_op_store.proto, Operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from wit_admin.errors import DamagedJjError
from wit_admin.jj import schema
from wit_admin.jj.ids import (
    COMMIT_ID_BYTES,
    OPERATION_ID_BYTES,
    ROOT_OPERATION_ID,
    ROOT_VIEW_ID,
    CommitId,
    OperationId,
    ViewId,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment, with the time zone of the clock that it was read from."""

    ms: int
    """Milliseconds since 1970 UTC; may be negative."""
    tz_minutes: int
    """East of UTC."""

    def to_datetime(self) -> datetime:
        """Return it with its zone; a time outside of the calendar becomes the nearest one in it."""
        minutes = self.tz_minutes if abs(self.tz_minutes) < _DAY_MINUTES else 0
        try:
            return self.to_utc().astimezone(timezone(timedelta(minutes=minutes)))
        except OverflowError:
            return _LAST if self.ms > 0 else _FIRST

    def to_utc(self) -> datetime:
        """Return it in UTC, likewise."""
        try:
            return _EPOCH + timedelta(0, 0, 0, self.ms)
        except OverflowError:
            return _LAST if self.ms > 0 else _FIRST


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of the operation log."""

    id: OperationId
    view_id: ViewId
    """The state after it."""
    parents: tuple[OperationId, ...]
    """One; several if it reconciles; none only for the root operation."""
    start: Timestamp
    end: Timestamp
    description: str
    hostname: str
    username: str
    attributes: Mapping[str, str]
    """``args`` is the command line, which can hold credentials: redact it before keeping it."""
    is_snapshot: bool
    """Only the working copy was recorded; false from jj before 0.15, which did not say."""
    workspace_name: str | None
    """``None`` from jj before 0.40, and for ``add workspace``."""
    predecessors: Mapping[CommitId, tuple[CommitId, ...]] | None
    """New commits to those they replace; ``None`` from jj before 0.30, which did not say."""

    @property
    def is_root(self) -> bool:
        """Whether it is the virtual root operation."""
        return self.id == ROOT_OPERATION_ID


_START = Timestamp(0, 0)
ROOT_OPERATION = Operation(
    id=ROOT_OPERATION_ID,
    view_id=ROOT_VIEW_ID,
    parents=(),
    start=_START,
    end=_START,
    description="",
    hostname="",
    username="",
    attributes={},
    is_snapshot=False,
    workspace_name=None,
    predecessors=None,
)
"""The operation before the first one, which jj stores nowhere."""


def decode_operation(operation_id: OperationId, content: bytes) -> Operation:
    """Return the operation that ``content`` holds.

    Raises:
        DamagedJjError: It is torn: malformed, or without what every operation has.
    """
    what = f"Operation {operation_id[:12]}"
    message = schema.parse("Operation", content, what=what)
    if not message.HasField("metadata"):
        raise DamagedJjError(f"{what} is torn or malformed.")
    metadata = message.metadata
    # The first operation of jj before 0.14 names no parent.
    parents = tuple(_store_id(parent, what) for parent in message.parents) or (ROOT_OPERATION_ID,)
    return Operation(
        id=operation_id,
        view_id=_store_id(message.view_id, what),
        parents=parents,
        start=_timestamp(metadata.start_time),
        end=_timestamp(metadata.end_time),
        description=metadata.description,
        hostname=metadata.hostname,
        username=metadata.username,
        attributes={pair.key: pair.value for pair in metadata.attributes},
        is_snapshot=metadata.is_snapshot,
        workspace_name=metadata.workspace_name if metadata.HasField("workspace_name") else None,
        predecessors=_predecessors(message, what),
    )


def _store_id(value: bytes, what: str) -> str:
    if len(value) != OPERATION_ID_BYTES:
        raise DamagedJjError(f"{what} is torn or malformed: an id has {len(value)} bytes.")
    return value.hex()


def _timestamp(message: Any) -> Timestamp:
    return Timestamp(message.millis_since_epoch, message.tz_offset)


def _predecessors(message: Any, what: str) -> dict[CommitId, tuple[CommitId, ...]] | None:
    if not message.stores_commit_predecessors:
        return None
    return {
        commit_id(entry.commit_id, what): tuple(
            commit_id(old, what) for old in entry.predecessor_ids
        )
        for entry in message.commit_predecessors
    }


def commit_id(value: bytes, what: str) -> CommitId:
    """Return an id from a store as text.

    Raises:
        DamagedJjError: It has the length of no commit id; ``what`` held it.
    """
    if len(value) not in COMMIT_ID_BYTES:
        raise DamagedJjError(f"{what} is torn or malformed: a commit id has {len(value)} bytes.")
    return value.hex()
