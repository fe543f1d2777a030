"""Objects of a repository, read without a process: only its folders of objects are opened.

libgit2 reads the packs. A loose object that is torn it would go on reading for ever, so these are
read here. Source: gitformat-loose(5).
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wit_admin.git.object_kinds import KINDS

if TYPE_CHECKING:
    import pygit2

_HEADER = re.compile(rb"(commit|tree|blob|tag) (\d{1,12})\0")
_MAX_HEADER_BYTES = 32
_LOOSE_EXTRA_BYTES = 64 * 1024
"""Zlib makes what it cannot compress larger by less than this."""
_ALTERNATES_DEPTH = 5
"""As deep as git follows them. Source: git's object-file.c, ``link_alt_odb_entries``."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a whole."""

    kind: str
    """``commit``, ``tree``, ``blob`` or ``tag``."""
    content: bytes


class TooLargeObjectError(Exception):
    """There is such an object, and it is larger than the caller takes."""


class ObjectReader:
    """Reads objects named by SHA-1. Opens the packs when first asked; not for several threads."""

    def __init__(self, gitdir: Path) -> None:
        self._objects = f"{gitdir}/objects"
        self._database: pygit2.Odb | None = None
        self._folders: tuple[str, ...] = ()

    def read(self, oid: bytes, *, most_bytes: int, only: str | None = None) -> StoredObject | None:
        """Return the object of that id in hex; ``None`` when it is missing, torn or malformed.

        With ``only`` also when it is of another kind, which is told from its head.

        Raises:
            TooLargeObjectError: It has more than ``most_bytes``.
        """
        import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

        if self._database is None:
            self._database = pygit2.Odb(self._objects)
            self._folders = tuple(_list_folders(self._objects, depth=0))
        try:
            key = pygit2.Oid(hex=oid.decode())
            kind, size = self._database.read_header(key)
            if only not in {None, KINDS[int(kind)]}:
                return None
            if size > most_bytes:
                raise TooLargeObjectError
            for folder in self._folders:
                packed = _read_file(f"{folder}/{key!s:.2}/{str(key)[2:]}", most_bytes)
                if packed is not None:
                    return _inflate(oid, packed, size)
            return StoredObject(KINDS[int(kind)], self._database.read(key)[1])
        except (KeyError, ValueError, pygit2.GitError):
            return None


def _inflate(oid: bytes, packed: bytes, size: int) -> StoredObject | None:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, size + _MAX_HEADER_BYTES)
    except zlib.error:
        return None
    found = _HEADER.match(data)
    # The name covers kind and size, too.
    is_whole = (
        inflater.eof and hashlib.sha1(data, usedforsecurity=False).hexdigest().encode() == oid
    )
    if found is None or not is_whole:
        return None
    return StoredObject(found[1].decode(), data[found.end() :])


def _read_file(path: str, most_bytes: int) -> bytes | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  for each object
            return file.read(most_bytes + _LOOSE_EXTRA_BYTES)
    except OSError:
        return None


def _list_folders(objects: str, *, depth: int) -> Iterator[str]:
    yield objects
    if depth == _ALTERNATES_DEPTH:
        return
    lines = (_read_file(f"{objects}/info/alternates", 0) or b"").splitlines()
    for line in lines:
        if line and not line.startswith((b"#", b'"')):
            yield from _list_folders(os.path.join(objects, os.fsdecode(line)), depth=depth + 1)  # noqa: PTH118
