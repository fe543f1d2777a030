"""Strict parsers of commits and trees in the exact form that git writes them.

git's fsck knows some eighty faults. Here none is judged: what is not written as git writes it
today is left to git. Source: git's fsck.c, ``fsck_commit``, ``fsck_ident`` and ``fsck_tree``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from wit_admin.git.files.marks import NotPlainError

FILE_MODES = frozenset({b"100644", b"100755", b"120000"})
TREE_MODE = b"40000"
_OID_BYTES = 20
_MAX_NAME = 255
_MAX_TREE_BYTES = 64 * 1024

_IDENT = rb"[^<>\n\0 ][^<>\n\0]* <[^<>\n\0]*> (?:0|[1-9][0-9]{0,11}) [+-][0-9]{4}\n"
_COMMIT = re.compile(
    rb"tree ([0-9a-f]{40})\n"
    rb"((?:parent [0-9a-f]{40}\n)+)"
    rb"author " + _IDENT + rb"committer " + _IDENT
    + rb"(?:(?!tree |parent |author |committer )[a-z][a-z-]* [^\n\0]*\n(?: [^\n\0]*\n)*)*"
    rb"\n[^\0]*"
)  # fmt: skip
_UNCHECKED = frozenset({b".gitignore"})
"""Names that begin with ``.git``, but of which fsck checks nothing if they are plain files."""


@dataclass(frozen=True, slots=True)
class PlainCommit:
    """The tree and parents of a commit that has at least one parent."""

    tree: bytes
    parents: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of a tree; ``oid`` is hex."""

    mode: bytes
    name: bytes
    oid: bytes

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return self.mode == TREE_MODE

    @property
    def is_delicate(self) -> bool:
        """Whether git's fsck checks more about an entry of such a name or mode."""
        bare = bytes(byte for byte in self.name.lower() if byte < 0x80)  # noqa: PLR2004  ASCII
        return (
            (bare.startswith(b".git") and self.name not in _UNCHECKED)
            or b"~" in bare
            or b"\\" in bare
            or self.mode not in (*FILE_MODES, TREE_MODE)
            or (self.mode == b"120000" and bare.startswith(b"."))
        )


def parse_commit(content: bytes) -> PlainCommit:
    """Read a commit.

    Raises:
        NotPlainError: It has no parent, or is not written as git writes commits.
    """
    found = _COMMIT.fullmatch(content)
    if found is None:
        raise NotPlainError
    parents = tuple(line[7:] for line in found[2].split(b"\n")[:-1])
    return PlainCommit(found[1], parents)


def parse_tree(content: bytes) -> tuple[TreeEntry, ...]:
    """Read a tree.

    Raises:
        NotPlainError: It is large, or not written as git writes trees.
    """
    if len(content) > _MAX_TREE_BYTES:
        raise NotPlainError
    entries = tuple(_read_entries(content))
    keys = [entry.name + (b"/" if entry.is_tree else b"") for entry in entries]
    if any(first >= second for first, second in itertools.pairwise(keys)):
        raise NotPlainError
    if len({entry.name for entry in entries}) != len(entries):
        raise NotPlainError
    return entries


def _read_entries(content: bytes) -> Iterator[TreeEntry]:
    at = 0
    while at < len(content):
        nul = content.find(b"\0", at)
        mode, space, name = content[at:nul].partition(b" ")
        at = nul + 1 + _OID_BYTES
        oid = content[nul + 1 : at]
        if nul < 0 or not space or len(oid) != _OID_BYTES or not any(oid):
            raise NotPlainError
        if not 0 < len(name) <= _MAX_NAME or b"/" in name or name in {b".", b".."}:
            raise NotPlainError
        if not mode.isdigit() or mode.startswith(b"0"):
            raise NotPlainError
        yield TreeEntry(mode, name, oid.hex().encode())
