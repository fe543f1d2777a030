"""Reads jj's commit index: every commit in the history of an operation, in jj's order.

Only the index has the offsets of divergent changes, and jj's own order. But it may be absent, older
than the operation, or of an unknown version, so it must never be the only source.
Source: jj's lib/src/default_index/readonly.rs, format version 6.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj import schema
from wit_admin.jj.change_ids import decode_change_id, encode_change_id
from wit_admin.jj.files import read_file
from wit_admin.jj.ids import ChangeId, CommitId, OperationId, is_store_name
from wit_admin.jj.index_segments import (
    IndexSegment,
    decode_segment,
    list_commits_of,
    read_parents,
    stack_segments,
)

MAX_INDEX_BYTES = 512 * 1024**2
"""All segments together; a million commits take about 80 MiB."""
_MAX_DEPTH = 256
_MAX_LINK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class IndexedCommit:
    """A commit in the index."""

    id: CommitId
    change_id: ChangeId
    parents: tuple[int, ...]
    """Positions in the index; the root commit, at 0, has none."""


class CommitIndex:
    """The index as of one operation."""

    def __init__(self, segments: list[IndexSegment], id_bytes: int) -> None:
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
                    read_parents(segment, local),
                )

    def find_position(self, commit_id: CommitId) -> int | None:
        """Return the position of a commit; jj shows larger positions first."""
        key = bytes.fromhex(commit_id)
        for segment in self._segments:
            place = bisect_left(range(segment.count), key, key=segment.sorted_id)
            if place < segment.count and segment.sorted_id(place) == key:
                return segment.base + segment.sorted_position(place)
        return None

    def list_positions(self, change_id: ChangeId) -> list[int]:
        """Return the positions of a change's commits, including hidden ones, newest first.

        The place of a commit in this list is the ``n`` of ``xyz/n``.
        """
        key = decode_change_id(change_id)
        positions: list[int] = []
        for segment in self._segments:
            place = bisect_left(range(segment.changes), key, key=segment.change_id)
            if place < segment.changes and segment.change_id(place) == key:
                positions += (segment.base + local for local in list_commits_of(segment, place))
        return sorted(positions, reverse=True)


def open_index(folder: Path, operation_id: OperationId, *, id_bytes: int) -> CommitIndex | None:
    """Return the index of an operation; ``None`` if there is none, or of an unknown version.

    Raises:
        DamagedJjError: It is torn.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    segments: list[IndexSegment] = []
    try:
        name = _linked_segment(folder, operation_id)
        left, seen = MAX_INDEX_BYTES, 0
        while name is not None:
            content = read_file(folder / "segments" / name, most_bytes=left)
            segment = decode_segment(content, id_bytes)
            if segment is None:
                return None
            segments.append(segment)
            name, left, seen = segment.parent, left - len(content), seen + 1
            if seen > _MAX_DEPTH:
                raise DamagedJjError(f"The index {folder} has an endless chain of segments.")
    except MissingJjError:
        return None
    return CommitIndex(stack_segments(segments), id_bytes) if segments else None


def _linked_segment(folder: Path, operation_id: OperationId) -> str | None:
    try:
        content = read_file(folder / "op_links" / operation_id, most_bytes=_MAX_LINK_BYTES)
    except MissingJjError:
        # jj before 0.33 wrote only the name.
        text = read_file(folder / "operations" / operation_id, most_bytes=_MAX_LINK_BYTES)
        name = text.decode("ascii", "replace")
    else:
        link = schema.parse("SegmentControl", content, what="A link to the commit index")
        name = link.commit_segment_id.hex()
    return name if is_store_name(name) else None
