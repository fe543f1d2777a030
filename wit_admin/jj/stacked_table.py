"""jj's stacked table: immutable segments, each on top of its parent, that map ids to values.

Heads are empty files named after segments. There are several while jj publishes, after a crash, or
in a copied repository; then each chain is searched.
Source: jj's lib/src/stacked_table.rs.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.files import list_names, read_file
from wit_admin.jj.ids import is_store_name

MAX_TABLE_BYTES = 512 * 1024**2
"""All segments together; a million commits take about 80 MiB."""
_MAX_POSITIONS = 500_000
"""Larger segments are only searched: each cached position takes about 150 bytes."""
_MAX_DEPTH = 256
_MAX_HEADS = 64
_ATTEMPTS = 4
_U32 = struct.Struct("<I")


@dataclass(slots=True)
class Segment:
    """One file of a table. Its values are decoded only when they are asked for."""

    name: str
    parent: str | None
    content: bytes
    key_bytes: int
    count: int
    entries_at: int
    _lookups: int = 0
    _positions: dict[bytes, int] | None = None

    def find(self, key: bytes) -> bytes | None:
        """Return the value of ``key`` in this segment.

        Raises:
            DamagedJjError: The entry points outside of the segment.
        """
        if self._positions is None:
            self._lookups += 1
            # A few look-ups must not pay for all keys; reading a history looks up all of them.
            if self._lookups > self.count >> 4 and self.count <= _MAX_POSITIONS:
                self._positions = {self._key_at(i): i for i in range(self.count)}
        if self._positions is not None:
            position = self._positions.get(key, self.count)
        else:
            position = bisect_left(range(self.count), key, key=self._key_at)
        if position == self.count or self._key_at(position) != key:
            return None
        return self._value(position)

    def _key_at(self, position: int) -> bytes:
        at = self.entries_at + position * (self.key_bytes + _U32.size)
        return self.content[at : at + self.key_bytes]

    def _value(self, position: int) -> bytes:
        width = self.key_bytes + _U32.size
        values_at = self.entries_at + self.count * width
        offset_at = self.entries_at + position * width + self.key_bytes
        begin = values_at + _U32.unpack_from(self.content, offset_at)[0]
        end = len(self.content)
        if position + 1 < self.count:
            end = values_at + _U32.unpack_from(self.content, offset_at + width)[0]
        if not values_at <= begin <= end <= len(self.content):
            raise DamagedJjError(f"The table segment {self.name[:12]} is torn or malformed.")
        return self.content[begin:end]


@dataclass(frozen=True, slots=True)
class StackedTable:
    """A table as it was at one moment."""

    heads: tuple[str, ...]
    segments: Mapping[str, Segment]
    is_lost: bool
    """Whether there are segments but no head: then jj starts a new table, and ids may change."""

    def find(self, key: bytes) -> bytes | None:
        """Return the value of ``key``; the nearest to a head wins.

        Raises:
            DamagedJjError: The entry points outside of its segment.
        """
        for head in self.heads:
            name: str | None = head
            while name is not None:
                segment = self.segments[name]
                value = segment.find(key)
                if value is not None:
                    return value
                name = segment.parent
        return None


def open_table(folder: Path, *, key_bytes: int, known: StackedTable | None = None) -> StackedTable:
    """Return the table in ``folder``; segments in ``known`` are not read again.

    Raises:
        DamagedJjError: A segment is torn, too large, or its own ancestor.
        MissingJjError: A segment is gone, and stays so.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _open_table(folder, key_bytes, known)
        except MissingJjError:
            # jj may have put a new head in place and cleaned up since we listed.
            if attempt + 1 == _ATTEMPTS:
                raise
    raise AssertionError


def _open_table(folder: Path, key_bytes: int, known: StackedTable | None) -> StackedTable:
    heads = tuple(sorted(filter(is_store_name, _names(folder / "heads"))))
    if known is not None and heads == known.heads:
        return known
    if len(heads) > _MAX_HEADS:
        raise DamagedJjError(f"{folder} holds more than {_MAX_HEADS} heads.")
    segments: dict[str, Segment] = {}
    for head in heads:
        _load_chain(head, segments, folder, key_bytes, known)
    is_lost = not heads and any(map(is_store_name, _names(folder)))
    return StackedTable(heads, segments, is_lost)


def _load_chain(
    head: str,
    segments: dict[str, Segment],
    folder: Path,
    key_bytes: int,
    known: StackedTable | None,
) -> None:
    name: str | None = head
    chain: list[str] = []
    while name is not None and name not in segments:
        segment = known.segments.get(name) if known is not None else None
        if segment is None:
            left = MAX_TABLE_BYTES - sum(len(each.content) for each in segments.values())
            segment = decode_segment(name, read_file(folder / name, most_bytes=left), key_bytes)
        segments[name] = segment
        chain.append(name)
        name = segment.parent
        if name in chain or len(chain) > _MAX_DEPTH:
            raise DamagedJjError(f"The table {folder} has an endless chain of segments.")


def decode_segment(name: str, content: bytes, key_bytes: int) -> Segment:
    """Return the segment that ``content`` holds.

    Raises:
        DamagedJjError: It is shorter than its header says, or names an impossible parent.
    """
    torn = DamagedJjError(f"The table segment {name[:12]} is torn or malformed.")
    if len(content) < _U32.size:
        raise torn
    (parent_length,) = _U32.unpack_from(content)
    parent = content[_U32.size : _U32.size + parent_length].decode("ascii", "replace")
    if parent_length and not is_store_name(parent):
        raise torn
    count_at = _U32.size + parent_length
    if len(content) < count_at + _U32.size:
        raise torn
    (count,) = _U32.unpack_from(content, count_at)
    entries_at = count_at + _U32.size
    if entries_at + count * (key_bytes + _U32.size) > len(content):
        raise torn
    return Segment(name, parent or None, content, key_bytes, count, entries_at)


def _names(folder: Path) -> Sequence[str]:
    try:
        return list_names(folder)
    except MissingJjError:
        return ()
