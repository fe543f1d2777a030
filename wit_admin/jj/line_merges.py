"""Merges the lines of two files that come from one, through libgit2, in memory."""

from __future__ import annotations

from collections.abc import Mapping

import pygit2
from pygit2.enums import FileMode, ObjectType

from wit_admin.git_objects import hash_object

_MAX_BYTES = 1024**2
_SHA1_BYTES = 20


class _Contents(pygit2.OdbBackend):
    """What libgit2 is to merge, instead of a repository on disk."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        super().__init__()
        self._contents = contents

    def read_cb(self, oid: pygit2.Oid) -> tuple[ObjectType, bytes]:
        return ObjectType.BLOB, self._contents[str(oid)]

    def exists_cb(self, oid: pygit2.Oid) -> bool:
        return str(oid) in self._contents


def merge_lines(base: bytes, left: bytes, right: bytes) -> bytes | None:
    """Return what both sides made of ``base``; ``None`` when that does not come out clean.

    Also where it cannot be told: contents with a NUL, not in UTF-8, or above a megabyte.
    """
    contents = {hash_object("blob", each, _SHA1_BYTES): each for each in (base, left, right)}
    if any(b"\0" in each or len(each) > _MAX_BYTES for each in contents.values()):
        return None
    objects = pygit2.Odb()
    objects.add_backend(_Contents(contents), 1)
    repository = pygit2.Repository()
    repository.set_odb(objects)
    entries = [
        pygit2.IndexEntry("merged", pygit2.Oid(hex=hash_object("blob", each, 20)), FileMode.BLOB)
        for each in (base, left, right)
    ]
    try:
        merged = repository.merge_file_from_index(entries[0], entries[1], entries[2])
    except (pygit2.GitError, UnicodeDecodeError):
        return None
    if not merged.automergeable or merged.contents is None:
        return None
    return merged.contents.encode()
