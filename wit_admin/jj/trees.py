"""Git's trees as jj compares them: an entry is its kind and its object.

Source: gitformat-pack(5); jj's lib/src/backend.rs, TreeValue.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from wit_admin.errors import DamagedJjError
from wit_admin.git_objects import empty_tree_id, hash_object
from wit_admin.jj.commits import TreeId
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
    """What a name in a tree stands for."""

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


class Trees:
    """Reads trees, and holds those that were made up in memory."""

    def __init__(self, objects: Objects, id_bytes: int) -> None:
        self.objects = objects
        self.id_bytes = id_bytes
        self.empty_id = empty_tree_id(id_bytes)
        self._made: dict[TreeId, Entries] = {self.empty_id: {}}

    def read(self, tree_id: TreeId | None) -> Entries:
        """Return the entries of a tree; ``None`` stands for the empty one.

        Raises:
            MissingJjError: It is not there.
            DamagedJjError: It is malformed or too large.
        """
        if tree_id is None:
            return {}
        made = self._made.get(tree_id)
        if made is not None:
            return made
        return decode_tree(tree_id, self.objects.read(tree_id, "tree"))

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


def decode_tree(tree_id: TreeId, content: bytes) -> dict[bytes, TreeEntry]:
    """Return the entries in the raw bytes of a tree.

    Raises:
        DamagedJjError: It is malformed.
    """
    id_bytes = len(tree_id) // 2
    entries: dict[bytes, TreeEntry] = {}
    at = 0
    while at < len(content):
        blank, nul = content.find(b" ", at), content.find(b"\0", at)
        oid = content[nul + 1 : nul + 1 + id_bytes]
        mode = content[at:blank]
        if not at < blank < nul or len(oid) != id_bytes or not _is_octal(mode):
            raise DamagedJjError(f"The tree {tree_id} is malformed.")
        entries[content[blank + 1 : nul]] = TreeEntry(_kind(int(mode, 8)), oid.hex())
        at = nul + 1 + id_bytes
    return entries


def _is_octal(mode: bytes) -> bool:
    return 0 < len(mode) <= 7 and not mode.strip(b"01234567")  # noqa: PLR2004  as Git has them


def _kind(mode: int) -> EntryKind:
    kind = _KIND_OF_FORMAT.get(mode & _FORMAT_BITS)
    if kind is not None:
        return kind
    # Old Git wrote the group's bits, too: 100664 is a plain file.
    return EntryKind.EXECUTABLE if mode & _OWNER_EXECUTES else EntryKind.FILE
