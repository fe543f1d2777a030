"""Parses a small pack in memory; what is not small and plain is left to git.

Source: gitformat-pack(5), "pack-*.pack files have the following format".
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from wit_admin.git.files.marks import NotPlainError
from wit_admin.git.objects.kinds import KINDS

MAX_OBJECTS = 100
MAX_OBJECT_BYTES = 1024 * 1024
_MAX_ALL_BYTES = 8 * 1024 * 1024
_HEADER_BYTES, _TRAILER_BYTES = 12, 20
_SHORTEST_ENTRY = 9
"""A byte of kind and size, and eight of an empty zlib stream."""
_VERSION = (b"\0\0\0\x02", b"\0\0\0\x03")
_KINDS = {number: kind.encode() for number, kind in KINDS.items()}
_OFS_DELTA, _REF_DELTA = 6, 7


@dataclass(frozen=True, slots=True)
class PackedObject:
    """An object with its content; ``kind`` is such as ``b"commit"``."""

    kind: bytes
    content: bytes

    @property
    def header(self) -> bytes:
        """The header of the object, which is hashed and stored before its content."""
        return b"%b %d\0" % (self.kind, len(self.content))

    @property
    def oid(self) -> bytes:
        """Its id, 40 hex digits."""
        digest = hashlib.sha1(self.header, usedforsecurity=False)
        digest.update(self.content)
        return digest.hexdigest().encode()


ReadBase = Callable[[bytes], PackedObject | None]
"""Returns an object that the repository has, by its id in hex."""


def read_small_pack(data: bytes, read_base: ReadBase) -> dict[bytes, PackedObject]:
    """Return the objects of a pack by id; deltas are resolved, also against the repository.

    Raises:
        NotPlainError: It is malformed, or larger than is worth while here.
    """
    if data[:4] != b"PACK" or data[4:8] not in _VERSION:
        raise NotPlainError
    count = int.from_bytes(data[8:_HEADER_BYTES], "big")
    end = len(data) - _TRAILER_BYTES
    checksum = hashlib.sha1(data[:end], usedforsecurity=False).digest()
    if not 0 < count <= MAX_OBJECTS or end < _HEADER_BYTES or checksum != data[end:]:
        raise NotPlainError
    by_offset: dict[int, PackedObject] = {}
    by_oid: dict[bytes, PackedObject] = {}

    def find(oid: bytes) -> PackedObject | None:
        return by_oid.get(oid) or read_base(oid)

    at, total = _HEADER_BYTES, 0
    for _ in range(count):
        start = at
        try:
            found, at = _read_entry(data, at, end, by_offset, find)
        except IndexError:
            # A number that goes on behind the end of the pack.
            raise NotPlainError from None
        total += len(found.content)
        if total > _MAX_ALL_BYTES:
            raise NotPlainError
        by_offset[start] = by_oid[found.oid] = found
    if at != end or len(by_oid) != count:
        raise NotPlainError
    return by_oid


def _read_entry(
    data: bytes, at: int, end: int, by_offset: dict[int, PackedObject], read_base: ReadBase
) -> tuple[PackedObject, int]:
    start = at
    if end - at < _SHORTEST_ENTRY:
        raise NotPlainError
    byte, at = data[at], at + 1
    kind, size, shift = (byte >> 4) & 7, byte & 15, 4
    while byte & 0x80:
        byte, at = data[at], at + 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if shift > 32:  # noqa: PLR2004  far beyond the limit below
            raise NotPlainError
    if size > MAX_OBJECT_BYTES:
        raise NotPlainError
    if kind in _KINDS:
        content, at = _inflate(data, at, end, size)
        return PackedObject(_KINDS[kind], content), at
    if kind == _OFS_DELTA:
        distance, at = _read_distance(data, at)
        base = by_offset.get(start - distance)
    elif kind == _REF_DELTA:
        base, at = read_base(data[at : at + 20].hex().encode()), at + 20
    else:
        raise NotPlainError
    if base is None:
        raise NotPlainError
    delta, at = _inflate(data, at, end, size)
    return PackedObject(base.kind, _apply(base.content, delta)), at


def _inflate(data: bytes, at: int, end: int, size: int) -> tuple[bytes, int]:
    decoder = zlib.decompressobj()
    try:
        # With room for one byte more, a stream of the right length comes to its end.
        content = decoder.decompress(data[at:end], size + 1)
    except zlib.error:
        raise NotPlainError from None
    if not decoder.eof or len(content) != size:
        raise NotPlainError
    return content, end - len(decoder.unused_data)


def _read_distance(data: bytes, at: int) -> tuple[int, int]:
    byte, at = data[at], at + 1
    distance = byte & 0x7F
    while byte & 0x80:
        byte, at = data[at], at + 1
        distance = ((distance + 1) << 7) | (byte & 0x7F)
        if distance > _MAX_ALL_BYTES:
            raise NotPlainError
    return distance, at


def _apply(base: bytes, delta: bytes) -> bytes:
    from dulwich.errors import ApplyDeltaError  # noqa: PLC0415  heavy, and only for pushes
    from dulwich.pack import apply_delta  # noqa: PLC0415

    if _target_size(delta) > MAX_OBJECT_BYTES:
        raise NotPlainError
    try:
        return b"".join(apply_delta(base, delta))
    except (ApplyDeltaError, ValueError, IndexError):
        raise NotPlainError from None


def _target_size(delta: bytes) -> int:
    at, sizes = 0, []
    for _ in range(2):
        size, shift = 0, 0
        while True:
            if at >= len(delta) or shift > 32:  # noqa: PLR2004  far beyond the limit
                raise NotPlainError
            byte, at = delta[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        sizes.append(size)
    return sizes[1]
