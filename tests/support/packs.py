"""Packs and objects made by hand, for those that git would not make.

Source: gitformat-pack(5).
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence

COMMIT, TREE, BLOB, REF_DELTA = 1, 2, 3, 7
_NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob"}


def oid_of(kind: int, data: bytes) -> str:
    """Return the id of an object."""
    return hashlib.sha1(b"%b %d\0%b" % (_NAMES[kind], len(data), data)).hexdigest()  # noqa: S324


def pack_of(*entries: bytes, count: int | None = None) -> bytes:
    """Join entries to a pack with a right checksum; ``count`` is what its head announces."""
    head = b"PACK" + struct.pack(">II", 2, len(entries) if count is None else count)
    data = head + b"".join(entries)
    return data + hashlib.sha1(data).digest()  # noqa: S324  git's own checksum


def entry(kind: int, data: bytes) -> bytes:
    """Render one whole object."""
    return _head(kind, len(data)) + zlib.compress(data)


def zeros_entry(kind: int, size_bytes: int) -> bytes:
    """Render an object of so many zeros without having them in memory."""
    packer = zlib.compressobj(9)
    step = 16 * 1024**2
    pieces = [
        packer.compress(bytes(min(step, size_bytes - at))) for at in range(0, size_bytes, step)
    ]
    return _head(kind, size_bytes) + b"".join(pieces) + packer.flush()


def delta_entry(base: str, base_size: int, target_size: int, instructions: bytes) -> bytes:
    """Render an object as changes to another, which claims to become ``target_size`` bytes."""
    delta = _varint(base_size) + _varint(target_size) + instructions
    return _head(REF_DELTA, len(delta)) + bytes.fromhex(base) + zlib.compress(delta)


def tree(*items: tuple[str, str, str]) -> bytes:
    """Render a tree of (mode, name, id), in the order given."""
    return b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, name, oid in items)


def commit(tree_oid: str, *, extra: bytes = b"", message: bytes = b"x\n") -> bytes:
    """Render a commit without parents."""
    who = b"Ann <ann@example.org> 1700000000 +0000"
    head = b"tree %b\nauthor %b\ncommitter %b\n" % (tree_oid.encode(), who, who)
    return head + extra + b"\n" + message


def commit_with(
    *objects: tuple[int, bytes], root: Sequence[tuple[str, str, str]]
) -> tuple[str, bytes]:
    """Return a commit's id, and a pack of it, its root tree and the other objects."""
    root_data = tree(*root)
    top = commit(oid_of(TREE, root_data))
    entries = [entry(kind, data) for kind, data in objects]
    return oid_of(COMMIT, top), pack_of(*entries, entry(TREE, root_data), entry(COMMIT, top))


def _head(kind: int, size: int) -> bytes:
    first, size = (kind << 4) | (size & 15), size >> 4
    return _continued(first, size)


def _varint(value: int) -> bytes:
    return _continued(value & 127, value >> 7)


def _continued(first: int, rest: int) -> bytes:
    out = bytearray()
    while rest:
        out.append(first | 128)
        first, rest = rest & 127, rest >> 7
    out.append(first)
    return bytes(out)
