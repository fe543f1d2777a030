"""The conflicted paths of a commit, as ``jj resolve --list`` shows them.

No content is merged here: jj merged what it could when it wrote the commit. The tree that Git shows
for such a commit is a decoy, and is never read.
Source: jj's lib/src/merged_tree.rs, ConflictIterator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wit_admin.jj.commit_headers import TreeId
from wit_admin.jj.merges import resolve_trivially, simplify
from wit_admin.jj.trees import TreeEntry, Trees

MAX_REMEMBERED = 100_000
"""The most folders to remember results of, for hostile trees: others hardly repeat themselves."""

Terms = tuple[TreeEntry | None, ...]
"""The entry of a path in each term of a conflict; ``None`` where it is absent."""


@dataclass(frozen=True, slots=True)
class ConflictedPath:
    """One path in conflict; a clash of file and folder is one path, too."""

    path: bytes
    terms: Terms

    @property
    def sides(self) -> int:
        """The number of sides, as jj counts them."""
        return (len(simplify(self.terms)) + 1) // 2

    @property
    def deletions(self) -> int:
        """The number of sides without the path."""
        return sum(term is None for term in simplify(self.terms)[0::2])


@dataclass(slots=True)
class _Folder:
    """The state of the walk through one folder."""

    trees: tuple[TreeId | None, ...]
    prefix: bytes
    entries: Iterator[tuple[bytes, Terms]]
    has_conflict: bool = False


def iter_conflicted_paths(trees: Trees, terms: Sequence[TreeId]) -> Iterator[ConflictedPath]:
    """Yield the conflicted paths of a commit with these tree terms, in jj's order.

    There may be none although the commit is in conflict, and any number if the trees are hostile:
    take as many as you want to keep.

    Raises:
        MissingJjError: A tree is not there.
        DamagedJjError: A tree is malformed, or they are too many: see :mod:`wit_admin.jj.effort`.
    """
    trees.effort.begin()
    # Folders without conflicts. Without this, a few trees that contain each other many times
    # would be walked for ever.
    clean: set[tuple[TreeId | None, ...]] = set()
    stack = [_enter(trees, tuple(terms), b"")] if len(terms) > 1 else []
    while stack:
        folder = stack[-1]
        entry = next(folder.entries, None)
        if entry is None:
            stack.pop()
            if folder.has_conflict and stack:
                stack[-1].has_conflict = True
            elif not folder.has_conflict and len(clean) < MAX_REMEMBERED:
                clean.add(folder.trees)
            continue
        name, values = entry
        if resolve_trivially(values) is not None:
            continue
        if not all(value is None or value.is_tree for value in values):
            folder.has_conflict = True
            yield ConflictedPath(folder.prefix + name, values)
            continue
        inner = tuple(value.oid if value else None for value in values)
        if inner not in clean:
            stack.append(_enter(trees, inner, folder.prefix + name + b"/"))


def _enter(trees: Trees, terms: tuple[TreeId | None, ...], prefix: bytes) -> _Folder:
    return _Folder(terms, prefix, iter_entries(trees, terms))


def iter_entries(trees: Trees, terms: Sequence[TreeId | None]) -> Iterator[tuple[bytes, Terms]]:
    """Yield each name in any of these trees and what it is in each, in the order of bytes.

    Raises:
        TooLargeJjError: More are not compared.
    """
    found = [trees.read(tree_id) for tree_id in terms]
    names = sorted(set().union(*found))
    trees.effort.spend(len(names))
    for name in names:
        yield name, tuple(entries.get(name) for entries in found)
