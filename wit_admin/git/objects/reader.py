"""Reads objects of a repository without a process; opens nothing but its object folders.

libgit2 reads the packs; see :mod:`wit_admin.git_objects` for the rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wit_admin.git.objects.kinds import KINDS
from wit_admin.git_objects import (
    ALTERNATES_DEPTH,
    LOOSE_EXTRA_BYTES,
    MAX_ALTERNATES_BYTES,
    decode_loose,
    parse_alternates,
)

if TYPE_CHECKING:
    import pygit2


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a whole."""

    kind: str
    """``commit``, ``tree``, ``blob`` or ``tag``."""
    content: bytes


class TooLargeObjectError(Exception):
    """The object exists, but is larger than the caller accepts."""


class ObjectReader:
    """Reads objects named by SHA-1. Opens the packs when first asked; not for several threads."""

    def __init__(self, gitdir: Path, *, apart: str = "") -> None:
        """Read the objects of ``gitdir``, and of the folder ``apart``, such as git's quarantine."""
        self._objects = f"{gitdir}/objects"
        self._apart = apart
        self._database: pygit2.Odb | None = None
        self._folders: tuple[str, ...] = ()

    def read(self, oid: bytes, *, most_bytes: int, only: str | None = None) -> StoredObject | None:
        """Return the object of that id in hex; ``None`` if it is missing, torn or malformed.

        With ``only`` it is also ``None`` for an object of another kind, whose content is not read.

        Raises:
            TooLargeObjectError: It has more than ``most_bytes``.
        """
        import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

        if self._database is None:
            self._database = pygit2.Odb(self._objects)
            self._folders = tuple(_list_folders(self._objects, depth=0))
            if self._apart:
                self._database.add_disk_alternate(self._apart)
                self._folders += (self._apart,)
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
                    loose = decode_loose(packed, oid.decode(), most_bytes=size)
                    return None if loose is None else StoredObject(*loose)
            return StoredObject(KINDS[int(kind)], self._database.read(key)[1])
        except (KeyError, ValueError, pygit2.GitError):
            return None


def _read_file(path: str, most_bytes: int) -> bytes | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  for each object
            return file.read(most_bytes + LOOSE_EXTRA_BYTES)
    except OSError:
        return None


def _list_folders(objects: str, *, depth: int) -> Iterator[str]:
    yield objects
    if depth == ALTERNATES_DEPTH:
        return
    content = _read_file(f"{objects}/info/alternates", MAX_ALTERNATES_BYTES) or b""
    # Quoted ones are refused before anybody reads here.
    with contextlib.suppress(ValueError):
        for alternate in parse_alternates(objects, content):
            yield from _list_folders(alternate, depth=depth + 1)
