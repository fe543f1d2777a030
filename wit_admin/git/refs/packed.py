"""Reads ``packed-refs``, the file in which git keeps many refs. Source: git's packed-backend.c."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wit_admin.git.files.marks import NotPlainError, file_mark, read_file
from wit_admin.git.refs.names import is_ref_name

_LINE = re.compile(rb"([0-9a-f]{40}) ([^\n]+)\n(?:\^([0-9a-f]{40})\n)?")
_MAX_PACKED_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredRef:
    """A ref as it is stored: its id, the peeled tag if that is recorded, its symbolic target."""

    name: bytes
    oid: bytes
    """40 hex digits."""
    peeled: bytes | None
    """The object that a tag finally points at; ``b""`` if it is not a tag, ``None`` if unknown."""
    symref_target: bytes | None = None


@dataclass(frozen=True, slots=True)
class PackedRefs:
    """The refs in ``packed-refs`` by name, and the identity of that file: inode, time and size."""

    file: tuple[int, int, int] | None
    refs: dict[bytes, StoredRef]


def read_packed(root: bytes, known: PackedRefs | None) -> PackedRefs:
    """Return the packed refs below ``root``; it is ``known`` if the file is still the same.

    Raises:
        NotPlainError: git itself has to be asked.
    """
    path = root + b"/packed-refs"
    file = file_mark(path)
    if file is None:
        return PackedRefs(None, {})
    if known is not None and known.file == file:
        return known
    try:
        return PackedRefs(file, _parse_packed(read_file(path, most=_MAX_PACKED_BYTES)))
    except FileNotFoundError:
        return PackedRefs(None, {})


def _parse_packed(data: bytes) -> dict[bytes, StoredRef]:
    at = data.find(b"\n") + 1 if data.startswith(b"#") else 0
    traits = data[:at].split()
    found = {}
    for line in _LINE.finditer(data, at):
        oid, name, peeled = line.groups()
        if line.start() != at or not is_ref_name(name):
            raise NotPlainError
        at = line.end()
        is_known = b"fully-peeled" in traits or (
            b"peeled" in traits and name.startswith(b"refs/tags/")
        )
        found[name] = StoredRef(name, oid, peeled or (b"" if is_known else None))
    if at != len(data):
        raise NotPlainError
    return found
