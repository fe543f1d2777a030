"""jj's commit index: every commit that an operation's history knew, in the order jj met them.

It tells what nothing else does, the offsets of divergent changes, and jj's own order. It may be
absent, older than the operation, or of a version that we do not know: never the only source.
Source: jj's lib/src/default_index/readonly.rs, format version 6.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj import schema
from wit_admin.jj.change_ids import decode_change_id, encode_change_id
from wit_admin.jj.files import read_file
from wit_admin.jj.ids import CHANGE_ID_BYTES, ChangeId, CommitId, OperationId, is_store_name

MAX_INDEX_BYTES = 512 * 1024**2
"""All segments together; a million commits take about 80 MiB."""
_VERSION = 6
_MAX_DEPTH = 256
_MAX_LINK_BYTES = 64 * 1024
_U32 = struct.Struct("<I")
_COUNTS = struct.Struct("<IIII")
_ENTRY = struct.Struct("<IIII")
_NONE = 0xFFFFFFFF
_OVERFLOW = 0x80000000


@dataclass(frozen=True, slots=True)
class IndexedCommit:
    """What the index says of a commit."""

    id: CommitId
    change_id: ChangeId
    parents: tuple[int, ...]
    """Positions in the index; the root commit, at 0, has none."""


@dataclass(frozen=True, slots=True)
class _Segment:
    content: bytes
    parent: str | None
    base: int
    """Commits in the segments below."""
    id_bytes: int
    count: int
    changes: int
    entries_at: int

    @property
    def lookup_at(self) -> int:
        return self.entries_at + self.count * (_ENTRY.size + self.id_bytes)

    @property
    def changes_at(self) -> int:
        return self.lookup_at + self.count * _U32.size

    @property
    def positions_at(self) -> int:
        return self.changes_at + self.changes * CHANGE_ID_BYTES

    @property
    def parents_at(self) -> int:
        return self.positions_at + self.changes * _U32.size

    def number(self, at: int) -> int:
        try:
            number: int = _U32.unpack_from(self.content, at)[0]
        except struct.error as error:
            raise DamagedJjError("The commit index is torn or malformed.") from error
        return number

    def entry(self, local: int) -> tuple[int, int, int, int]:
        if not 0 <= local < self.count:
            raise DamagedJjError("The commit index is torn or malformed.")
        at = self.entries_at + local * (_ENTRY.size + self.id_bytes)
        generation, first, second, change = _ENTRY.unpack_from(self.content, at)
        return generation, first, second, change

    def commit_id(self, local: int) -> bytes:
        at = self.entries_at + local * (_ENTRY.size + self.id_bytes) + _ENTRY.size
        return self.content[at : at + self.id_bytes]

    def change_id(self, place: int) -> bytes:
        if place >= self.changes:
            raise DamagedJjError("The commit index is torn or malformed.")
        at = self.changes_at + place * CHANGE_ID_BYTES
        return self.content[at : at + CHANGE_ID_BYTES]


class CommitIndex:
    """The index as of one operation."""

    def __init__(self, segments: list[_Segment], id_bytes: int) -> None:
        self._segments = segments
        self._id_bytes = id_bytes

    def __len__(self) -> int:
        return sum(segment.count for segment in self._segments)

    def __iter__(self) -> Iterator[IndexedCommit]:
        """Yield all commits, by position: parents before children."""
        for segment in self._segments:
            for local in range(segment.count):
                change = segment.change_id(segment.entry(local)[3])
                yield IndexedCommit(
                    segment.commit_id(local).hex(),
                    encode_change_id(change),
                    _parents(segment, local),
                )

    def find_position(self, commit_id: CommitId) -> int | None:
        """Return the position of a commit; jj shows larger ones first."""
        key = bytes.fromhex(commit_id)
        for segment in self._segments:

            def key_at(place: int, segment: _Segment = segment) -> bytes:
                return segment.commit_id(segment.number(segment.lookup_at + place * _U32.size))

            place = bisect_left(range(segment.count), key, key=key_at)
            if place < segment.count and key_at(place) == key:
                return segment.base + segment.number(segment.lookup_at + place * _U32.size)
        return None

    def list_positions(self, change_id: ChangeId) -> list[int]:
        """Return where the commits of a change stand, hidden ones included, newest first.

        The place of a commit in this list is the ``n`` of ``xyz/n``.
        """
        key = decode_change_id(change_id)
        positions: list[int] = []
        for segment in self._segments:
            place = bisect_left(range(segment.changes), key, key=segment.change_id)
            if place < segment.changes and segment.change_id(place) == key:
                positions += (segment.base + local for local in _of_change(segment, place))
        return sorted(positions, reverse=True)


def open_index(folder: Path, operation_id: OperationId, *, id_bytes: int) -> CommitIndex | None:
    """Return the index of an operation; ``None`` if there is none that we know how to read.

    Raises:
        DamagedJjError: It is torn.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    segments: list[_Segment] = []
    try:
        name = _linked_segment(folder, operation_id)
        left, seen = MAX_INDEX_BYTES, 0
        while name is not None:
            content = read_file(folder / "segments" / name, most_bytes=left)
            segment = _decode_segment(content, id_bytes)
            if segment is None:
                return None
            segments.append(segment)
            name, left, seen = segment.parent, left - len(content), seen + 1
            if seen > _MAX_DEPTH:
                raise DamagedJjError(f"The index {folder} has an endless chain of segments.")
    except MissingJjError:
        return None
    return CommitIndex(_stack(segments), id_bytes) if segments else None


def _linked_segment(folder: Path, operation_id: OperationId) -> str | None:
    try:
        content = read_file(folder / "op_links" / operation_id, most_bytes=_MAX_LINK_BYTES)
    except MissingJjError:
        # jj before 0.33 wrote the name alone.
        text = read_file(folder / "operations" / operation_id, most_bytes=_MAX_LINK_BYTES)
        name = text.decode("ascii", "replace")
    else:
        link = schema.parse("SegmentControl", content, what="A link to the commit index")
        name = link.commit_segment_id.hex()
    return name if is_store_name(name) else None


def _decode_segment(content: bytes, id_bytes: int) -> _Segment | None:
    """Return a segment, yet without its place on others; ``None`` for an unknown version."""
    torn = DamagedJjError("The commit index is torn or malformed.")
    if len(content) < 2 * _U32.size:
        raise torn
    version, parent_length = struct.unpack_from("<II", content)
    if version != _VERSION:
        return None
    counts_at = 2 * _U32.size + parent_length
    parent = content[2 * _U32.size : counts_at].decode("ascii", "replace")
    if len(content) < counts_at + _COUNTS.size or (parent and not is_store_name(parent)):
        raise torn
    count, changes, more_parents, more_positions = _COUNTS.unpack_from(content, counts_at)
    segment = _Segment(
        content, parent or None, 0, id_bytes, count, changes, counts_at + _COUNTS.size
    )
    if segment.parents_at + (more_parents + more_positions) * _U32.size != len(content):
        raise torn
    return segment


def _stack(segments: list[_Segment]) -> list[_Segment]:
    """Put segments, newest first, on top of each other."""
    stacked: list[_Segment] = []
    base = 0
    for segment in reversed(segments):
        stacked.append(
            _Segment(
                segment.content,
                segment.parent,
                base,
                segment.id_bytes,
                segment.count,
                segment.changes,
                segment.entries_at,
            )
        )
        base += segment.count
    return stacked


def _parents(segment: _Segment, local: int) -> tuple[int, ...]:
    _, first, second, _ = segment.entry(local)
    if first & _OVERFLOW:
        # No parent is written as none of the overflow table, from its start.
        start, count = ~first & _NONE, ~second & _NONE
        if count > len(segment.content) // _U32.size:
            raise DamagedJjError("The commit index is torn or malformed.")
        return tuple(
            segment.number(segment.parents_at + (start + place) * _U32.size)
            for place in range(count)
        )
    return (first,) if second == _NONE else (first, second)


def _of_change(segment: _Segment, place: int) -> list[int]:
    """Return the local positions of the commits of the change at ``place`` in the table."""
    first = segment.number(segment.positions_at + place * _U32.size)
    if not first & _OVERFLOW:
        return [first]
    # The list ends where the commits of another change begin; it stands at the segment's end.
    overflow_at = segment.parents_at + _overflow_parents(segment) * _U32.size
    begin = overflow_at + (~first & _NONE) * _U32.size
    positions = (segment.number(at) for at in range(begin, len(segment.content), _U32.size))
    return list(takewhile(lambda local: segment.entry(local)[3] == place, positions))


def _overflow_parents(segment: _Segment) -> int:
    return segment.number(segment.entries_at - 2 * _U32.size)
