"""Merges trees as jj does when it makes a merge commit, in memory.

Source: jj's lib/src/tree_merge.rs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wit_admin.errors import DamagedJjError, MissingJjError, TooLargeJjError
from wit_admin.git_objects import hash_object
from wit_admin.jj.commit_headers import TreeId
from wit_admin.jj.conflicts import MAX_REMEMBERED, Terms, iter_entries
from wit_admin.jj.line_merges import merge_lines
from wit_admin.jj.merges import resolve_trivially, simplify
from wit_admin.jj.trees import EntryKind, TreeEntry, Trees

_MAX_DEPTH = 200
_MAX_BYTES = 8 * 1024**2
"""Of all versions of a file; its lines take many times as much."""
_BYTES_OF_A_LINE = 32
"""To read as many costs as much as to compare a line."""


@dataclass(frozen=True, slots=True)
class MergedTrees:
    """What a merge came to."""

    terms: tuple[TreeId, ...]
    """One tree, or the terms of what stays in conflict."""
    is_undecided: bool
    """Whether there were files that only jj could merge, because they are too large or missing."""


def merge_trees(trees: Trees, terms: Sequence[TreeId]) -> MergedTrees:
    """Merge tree terms, files' lines included.

    Raises:
        MissingJjError: A tree is not there.
        DamagedJjError: A tree is malformed.
        TooLargeJjError: They are too many, or too deep.
    """
    merger = _Merger(trees)
    merged = merger.merge(tuple(terms), b"")
    return MergedTrees(simplify([tree or trees.empty_id for tree in merged]), merger.is_undecided)


def matches_merge(trees: Trees, terms: Sequence[TreeId], found: TreeId) -> bool | None:
    """Tell whether ``found`` is what tree terms merge to; ``None`` where only jj could tell.

    That mostly takes less than to merge them: the first thing that differs is enough.

    Raises:
        MissingJjError: A tree is not there.
        DamagedJjError: A tree is malformed.
        TooLargeJjError: They are too many, or too deep.
    """
    return _Merger(trees).matches(tuple(terms), found, b"")


_TreeTerms = tuple[TreeId | None, ...]


@dataclass(slots=True)
class _Merger:
    trees: Trees
    is_undecided: bool = False
    _matched: dict[tuple[_TreeTerms, TreeId | None], bool | None] = field(default_factory=dict)
    _merged: dict[_TreeTerms, _TreeTerms] = field(default_factory=dict)

    def matches(self, terms: _TreeTerms, found: TreeId | None, prefix: bytes) -> bool | None:
        resolved = resolve_trivially(terms)
        if resolved is not None:
            return (resolved[0] or self.trees.empty_id) == (found or self.trees.empty_id)
        key = (terms, found)
        if key not in self._matched:
            matches = self._entries_match(terms, found, prefix)
            if len(self._matched) >= MAX_REMEMBERED:
                return matches
            self._matched[key] = matches
        return self._matched[key]

    def _entries_match(self, terms: _TreeTerms, found: TreeId | None, prefix: bytes) -> bool | None:
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
        if found is None or not found.is_file:
            return False
        self.is_undecided = False
        file = self._merge_files(simplify(values))
        return None if self.is_undecided else file == found

    def merge(self, terms: _TreeTerms, prefix: bytes) -> _TreeTerms:
        resolved = resolve_trivially(terms)
        if resolved is not None:
            return resolved
        if terms not in self._merged:
            merged = self._merge_entries(terms, prefix)
            if len(self._merged) >= MAX_REMEMBERED:
                return merged
            self._merged[terms] = merged
        return self._merged[terms]

    def _merge_entries(self, terms: _TreeTerms, prefix: bytes) -> _TreeTerms:
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
        file = self._merge_files(simplify(values))
        return values if file is None else (file,)

    def _merge_files(self, values: Terms) -> TreeEntry | None:
        files = [value for value in values if value is not None and value.is_file]
        kind = resolve_trivially([file.kind for file in files]) if files else None
        if len(files) < len(values) or kind is None:
            return None
        # Files that differ in their mode only may cancel each other now.
        oids = simplify([file.oid for file in files])
        oid = resolve_trivially(oids)
        if oid is not None:
            return TreeEntry(kind[0], oid[0])
        try:
            content = merge_lines(self._read_files(oids), self.trees.effort)
        except (MissingJjError, DamagedJjError):
            # Nothing else needs their content, so what cannot be read must not fail the rest.
            self.is_undecided = True
            return None
        if content is None:
            return None
        return TreeEntry(kind[0], hash_object("blob", content, self.trees.id_bytes))

    def _read_files(self, oids: Sequence[str]) -> list[bytes]:
        contents: list[bytes] = []
        for oid in oids:
            contents.append(self.trees.objects.read(oid, "blob"))
            self.trees.effort.spend(len(contents[-1]) // _BYTES_OF_A_LINE)
            if sum(map(len, contents)) > _MAX_BYTES:
                raise TooLargeJjError("Files to merge are too large.")
        return contents


def _check_depth(prefix: bytes) -> None:
    if prefix.count(b"/") > _MAX_DEPTH:
        raise TooLargeJjError(f"Trees are more than {_MAX_DEPTH} folders deep.")
