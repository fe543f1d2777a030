"""Segments of jj's commit index: immutable files, each on top of its parent.

Source: jj's lib/src/default_index/readonly.rs, format version 6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from itertools import takewhile

from wit_admin.errors import DamagedJjError
from wit_admin.jj.ids import CHANGE_ID_BYTES, is_store_name

_VERSION = 6
_U32 = struct.Struct("<I")
_COUNTS = struct.Struct("<IIII")
_ENTRY = struct.Struct("<IIII")
_NONE = 0xFFFFFFFF
_OVERFLOW = 0x80000000


@dataclass(frozen=True, slots=True)
class IndexSegment:
    """One segment, and where in its bytes what stands."""

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
        """Where the local positions stand in the order of commit ids."""
        return self.entries_at + self.count * (_ENTRY.size + self.id_bytes)

    @property
    def changes_at(self) -> int:
        """Where the change ids stand, sorted."""
        return self.lookup_at + self.count * _U32.size

    @property
    def positions_at(self) -> int:
        """Where for each of these the position of its commit stands."""
        return self.changes_at + self.changes * CHANGE_ID_BYTES

    @property
    def parents_at(self) -> int:
        """Where the parents stand of commits that have more than two."""
        return self.positions_at + self.changes * _U32.size

    def number(self, at: int) -> int:
        """Return the number at a place.

        Raises:
            DamagedJjError: The segment ends before.
        """
        try:
            number: int = _U32.unpack_from(self.content, at)[0]
        except struct.error as error:
            raise DamagedJjError("The commit index is torn or malformed.") from error
        return number

    def entry(self, local: int) -> tuple[int, int, int, int]:
        """Return generation, parents and place of the change of a commit.

        Raises:
            DamagedJjError: There is no such commit.
        """
        if not 0 <= local < self.count:
            raise DamagedJjError("The commit index is torn or malformed.")
        at = self.entries_at + local * (_ENTRY.size + self.id_bytes)
        generation, first, second, change = _ENTRY.unpack_from(self.content, at)
        return generation, first, second, change

    def commit_id(self, local: int) -> bytes:
        """Return the id of the commit at a local position."""
        at = self.entries_at + local * (_ENTRY.size + self.id_bytes) + _ENTRY.size
        return self.content[at : at + self.id_bytes]

    def sorted_position(self, place: int) -> int:
        """Return the local position of the commit at a place in the order of commit ids."""
        return self.number(self.lookup_at + place * _U32.size)

    def sorted_id(self, place: int) -> bytes:
        """Return the id of the commit at a place in that order."""
        return self.commit_id(self.sorted_position(place))

    def change_id(self, place: int) -> bytes:
        """Return the change id at a place in their order.

        Raises:
            DamagedJjError: There is none.
        """
        if place >= self.changes:
            raise DamagedJjError("The commit index is torn or malformed.")
        at = self.changes_at + place * CHANGE_ID_BYTES
        return self.content[at : at + CHANGE_ID_BYTES]


def decode_segment(content: bytes, id_bytes: int) -> IndexSegment | None:
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
    segment = IndexSegment(
        content, parent or None, 0, id_bytes, count, changes, counts_at + _COUNTS.size
    )
    if segment.parents_at + (more_parents + more_positions) * _U32.size != len(content):
        raise torn
    return segment


def stack_segments(segments: list[IndexSegment]) -> list[IndexSegment]:
    """Put segments, newest first, on top of each other."""
    stacked: list[IndexSegment] = []
    base = 0
    for segment in reversed(segments):
        stacked.append(replace(segment, base=base))
        base += segment.count
    return stacked


def read_parents(segment: IndexSegment, local: int) -> tuple[int, ...]:
    """Return the positions of a commit's parents in the whole index."""
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


def list_commits_of(segment: IndexSegment, place: int) -> list[int]:
    """Return the local positions of the commits of the change at ``place`` in the table."""
    first = segment.number(segment.positions_at + place * _U32.size)
    if not first & _OVERFLOW:
        return [first]
    # The list ends where the commits of another change begin; it stands at the segment's end.
    overflow_at = segment.parents_at + _overflow_parents(segment) * _U32.size
    begin = overflow_at + (~first & _NONE) * _U32.size
    positions = (segment.number(at) for at in range(begin, len(segment.content), _U32.size))
    return list(takewhile(lambda local: segment.entry(local)[3] == place, positions))


def _overflow_parents(segment: IndexSegment) -> int:
    return segment.number(segment.entries_at - 2 * _U32.size)
