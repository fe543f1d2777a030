"""Git's trees as jj compares them: an entry is its kind and its object.

Source: gitformat-pack(5); jj's lib/src/backend.rs, TreeValue.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from wit_admin.errors import DamagedJjError
from wit_admin.git_objects import empty_tree_id, hash_object
from wit_admin.jj.commit_headers import TreeId
from wit_admin.jj.effort import Effort
from wit_admin.jj.ids import COMMIT_ID_BYTES
from wit_admin.jj.objects import Objects


class EntryKind(enum.Enum):
    """What an entry is; its value is the mode that Git writes for it."""

    FILE = b"100644"
    EXECUTABLE = b"100755"
    SYMLINK = b"120000"
    TREE = b"40000"
    SUBMODULE = b"160000"


_FORMAT_BITS = 0o170000
_OWNER_EXECUTES = 0o100
_KIND_OF_FORMAT = {
    0o040000: EntryKind.TREE,
    0o120000: EntryKind.SYMLINK,
    0o160000: EntryKind.SUBMODULE,
}


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry of a tree, without its name."""

    kind: EntryKind
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return self.kind is EntryKind.TREE

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, executable or not."""
        return self.kind in {EntryKind.FILE, EntryKind.EXECUTABLE}


Entries = Mapping[bytes, TreeEntry]
"""The entries of a tree by name."""

_CACHED_TREES = 1024
_CACHED_BYTES = 2048
"""Larger trees are not cached; decoded, one takes ten times as much memory."""
_ENTRY = rb"([0-7]{1,7}+) ([^\0]*+)\0(.{%d})"
_ENTRIES = {size: re.compile(_ENTRY % size, re.DOTALL) for size in COMMIT_ID_BYTES}
_WHOLE = {size: re.compile(rb"(?:%s)*+" % (_ENTRY % size), re.DOTALL) for size in COMMIT_ID_BYTES}
"""A whole tree: :data:`_ENTRIES` alone would skip what does not match."""


class Trees:
    """Reads trees, caches a thousand of them, and keeps those that were merged in memory."""

    def __init__(self, objects: Objects, id_bytes: int) -> None:
        self.objects = objects
        self.id_bytes = id_bytes
        self.empty_id = empty_tree_id(id_bytes)
        self.effort = Effort()
        self._made: dict[TreeId, Entries] = {self.empty_id: {}}
        self._cache: dict[TreeId, Entries] = {}

    def read(self, tree_id: TreeId | None) -> Entries:
        """Return the entries of a tree; ``None`` is the empty one.

        Raises:
            MissingJjError: It is not there.
            DamagedJjError: It is malformed or too large.
        """
        if tree_id is None:
            return {}
        known = self._made.get(tree_id)
        if known is None:
            known = self._cache.get(tree_id)
        if known is not None:
            return known
        content = self.objects.read(tree_id, "tree")
        entries = decode_tree(tree_id, content)
        if len(content) <= _CACHED_BYTES:
            if len(self._cache) >= _CACHED_TREES:
                # The oldest go first.
                del self._cache[next(iter(self._cache))]
            self._cache[tree_id] = entries
        return entries

    def make(self, entries: Entries) -> TreeId:
        """Return the id that Git would give to a tree; it can be read here, but is not written."""
        ordered = sorted(
            entries.items(), key=lambda item: item[0] + (b"/" if item[1].is_tree else b"")
        )
        content = b"".join(
            b"%s %s\0%s" % (entry.kind.value, name, bytes.fromhex(entry.oid))
            for name, entry in ordered
        )
        tree_id = hash_object("tree", content, self.id_bytes)
        self._made[tree_id] = dict(ordered)
        return tree_id

    def forget_made(self) -> None:
        """Drop the trees made up so far; they cannot be read any more."""
        self._made = {self.empty_id: {}}


def decode_tree(tree_id: TreeId, content: bytes) -> dict[bytes, TreeEntry]:
    """Return the entries in the raw bytes of a tree.

    Raises:
        DamagedJjError: It is malformed.
    """
    id_bytes = len(tree_id) // 2
    if id_bytes not in _WHOLE or not _WHOLE[id_bytes].fullmatch(content):
        raise DamagedJjError(f"The tree {tree_id} is malformed.")
    return {
        name: TreeEntry(_kind(mode), oid.hex())
        for mode, name, oid in _ENTRIES[id_bytes].findall(content)
    }


@lru_cache(maxsize=64)
def _kind(mode: bytes) -> EntryKind:
    number = int(mode, 8)
    kind = _KIND_OF_FORMAT.get(number & _FORMAT_BITS)
    if kind is not None:
        return kind
    # Old Git wrote the group's bits, too: 100664 is a plain file.
    return EntryKind.EXECUTABLE if number & _OWNER_EXECUTES else EntryKind.FILE
