"""Merges trees as jj does when it makes a merge commit, in memory.

jj merges the lines of files by its own means; here libgit2 does, which mostly comes out the same.
Source: jj's lib/src/tree_merge.rs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wit_admin.errors import DamagedJjError
from wit_admin.git_objects import hash_object
from wit_admin.jj.commit_headers import TreeId
from wit_admin.jj.conflicts import Terms, iter_entries
from wit_admin.jj.line_merges import merge_lines
from wit_admin.jj.merges import resolve_trivially, simplify
from wit_admin.jj.trees import EntryKind, TreeEntry, Trees

_MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class MergedTrees:
    """What a merge came to."""

    terms: tuple[TreeId, ...]
    """One tree, or the terms of what stays in conflict."""
    undecided: tuple[tuple[bytes, Terms], ...]
    """Paths of files that stay in conflict here, and whose lines jj might merge after all."""


def merge_trees(trees: Trees, terms: Sequence[TreeId]) -> MergedTrees:
    """Merge tree terms, files' lines included.

    Raises:
        MissingJjError: A tree is not there.
        DamagedJjError: A tree is malformed.
    """
    merger = _Merger(trees)
    merged = merger.merge(tuple(terms), b"")
    return MergedTrees(
        simplify([tree or trees.empty_id for tree in merged]), tuple(merger.undecided)
    )


def matches_merge(trees: Trees, terms: Sequence[TreeId], found: TreeId) -> bool | None:
    """Tell whether ``found`` is what tree terms merge to; ``None`` where only jj could tell.

    That mostly takes less than to merge them: the first thing that differs is enough.

    Raises:
        MissingJjError: A tree is not there.
        DamagedJjError: A tree is malformed.
    """
    return _Merger(trees).matches(tuple(terms), found, b"")


_TreeTerms = tuple[TreeId | None, ...]


@dataclass(slots=True)
class _Merger:
    trees: Trees
    undecided: list[tuple[bytes, Terms]] = field(default_factory=list)

    def matches(self, terms: _TreeTerms, found: TreeId | None, prefix: bytes) -> bool | None:
        resolved = resolve_trivially(terms)
        if resolved is not None:
            return (resolved[0] or self.trees.empty_id) == (found or self.trees.empty_id)
        _check_depth(prefix)
        matches: bool | None = True
        # The last one is what was found, the others are what is merged.
        for name, values in iter_entries(self.trees, (*terms, found)):
            path = prefix + name
            match self._value_matches(values[:-1], values[-1], path):
                case False:
                    return False
                case None:
                    matches = None
        return matches

    def _value_matches(self, values: Terms, found: TreeEntry | None, path: bytes) -> bool | None:
        resolved = resolve_trivially(values)
        if resolved is not None:
            return resolved[0] == found
        if all(value is None or value.is_tree for value in values):
            # A folder that is left empty is left out.
            if found is not None and (not found.is_tree or found.oid == self.trees.empty_id):
                return False
            inner = tuple(value.oid if value else None for value in values)
            return self.matches(inner, found.oid if found else None, path + b"/")
        values = simplify(values)
        file = self._merge_files(values, path)
        if file is not None:
            return file == found
        is_undecided = bool(self.undecided)
        self.undecided.clear()
        return None if is_undecided and _is_mixture(self.trees, values, found) else False

    def merge(self, terms: _TreeTerms, prefix: bytes) -> _TreeTerms:
        resolved = resolve_trivially(terms)
        if resolved is not None:
            return resolved
        _check_depth(prefix)
        made: list[dict[bytes, TreeEntry]] = [{} for _ in terms]
        is_resolved = True
        for name, values in iter_entries(self.trees, terms):
            merged = self._merge_values(values, prefix + name)
            is_resolved = is_resolved and len(merged) == 1
            for position, entries in enumerate(made):
                value = merged[position if len(merged) > 1 else 0]
                if value is not None:
                    entries[name] = value
        return tuple(
            self.trees.make(entries) if entries else None
            for entries in (made[:1] if is_resolved else made)
        )

    def _merge_values(self, values: Terms, path: bytes) -> Terms:
        resolved = resolve_trivially(values)
        if resolved is not None:
            return resolved
        if all(value is None or value.is_tree for value in values):
            inner = tuple(value.oid if value else None for value in values)
            return tuple(
                TreeEntry(EntryKind.TREE, tree) if tree else None
                for tree in self.merge(inner, path + b"/")
            )
        file = self._merge_files(simplify(values), path)
        return values if file is None else (file,)

    def _merge_files(self, values: Terms, path: bytes) -> TreeEntry | None:
        files = [value for value in values if value is not None and value.is_file]
        kind = resolve_trivially([file.kind for file in files]) if files else None
        if len(files) < len(values) or kind is None:
            return None
        oids = [file.oid for file in files]
        oid = resolve_trivially(oids)
        if oid is not None:
            return TreeEntry(kind[0], oid[0])
        if len(oids) == 3:  # noqa: PLR2004  one base and two sides; more cannot be handed on
            left, base, right = (self.trees.objects.read(oid, "blob") for oid in oids)
            content = merge_lines(base, left, right)
            if content is not None:
                return TreeEntry(kind[0], hash_object("blob", content, self.trees.id_bytes))
            if _aligns_in_one_way_only(base, left) and _aligns_in_one_way_only(base, right):
                return None
        self.undecided.append((path, values))
        return None


def _check_depth(prefix: bytes) -> None:
    if prefix.count(b"/") > _MAX_DEPTH:
        raise DamagedJjError(f"Trees are more than {_MAX_DEPTH} folders deep.")


def _is_mixture(trees: Trees, terms: Terms, found: TreeEntry | None) -> bool:
    """Tell whether a file may be a clean merge: all that was added is in it, and nothing else."""
    if found is None or not found.is_file:
        return False
    lines = set(trees.objects.read(found.oid, "blob").split(b"\n"))
    sides = [
        set(trees.objects.read(term.oid, "blob").split(b"\n")) for term in terms if term is not None
    ]
    added = set().union(*sides[0::2]) - set().union(*sides[1::2])
    return added <= lines <= set().union(*sides)


def _aligns_in_one_way_only(base: bytes, side: bytes) -> bool:
    """Tell whether every program must find the same changes between the two."""
    left, right = base.split(b"\n"), side.split(b"\n")
    common = set(left) & set(right)
    kept = [line for line in left if line in common]
    # Each once, and in the same order in both: then there is one way to pair them.
    return len(kept) == len(common) and kept == [line for line in right if line in common]
