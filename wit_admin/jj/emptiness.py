"""Finds out whether a commit changes anything compared with its parents, as jj sees it.

Source: jj's lib/src/commit.rs, is_backend_commit_empty; lib/src/rewrite.rs, merge_commit_trees.
"""

from __future__ import annotations

from dataclasses import dataclass

from wit_admin.errors import TooLargeJjError
from wit_admin.jj.commit_headers import TreeId
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.graph import find_common_ancestors
from wit_admin.jj.ids import CommitId, root_commit_id
from wit_admin.jj.merges import flatten, simplify
from wit_admin.jj.tree_merges import matches_merge, merge_trees
from wit_admin.jj.trees import Trees

_MAX_DEPTH = 32
_MAX_TERMS = 255
"""The most terms of a merge: in hostile criss-cross histories each step can double them."""


class Emptiness:
    """Answers for the commits of one repository, and caches results about merges."""

    def __init__(self, commits: CommitStore, trees: Trees) -> None:
        self._commits = commits
        self._trees = trees
        self._expressions: dict[tuple[CommitId, ...], _Expression] = {}

    def is_empty(self, commit: Commit) -> bool | None:
        """Return whether a commit changes nothing; ``None`` if only jj itself could tell.

        With one parent the answer is exact and cheap. A merge is compared with the automatic merge
        of its parents. Its answer may be unknown if files are very large or missing, or if dozens
        of criss-cross merges are stacked. Of many merges, ask for the oldest first.

        Raises:
            MissingJjError: A parent, an ancestor or a tree is missing.
            DamagedJjError: One of them is malformed.
        """
        if len(commit.parents) == 1:
            return commit.trees == self._commits.read(commit.parents[0]).trees
        if commit.is_root:
            return True
        merge = self._merge(commit.parents)
        if merge is None:
            return None
        terms = simplify(flatten([self._commits.read(each).trees for each in merge.terms]))
        self._trees.effort.begin()
        try:
            if len(commit.trees) == 1:
                return matches_merge(self._trees, terms, commit.trees[0])
            merged = merge_trees(self._trees, terms)
        except TooLargeJjError:
            return None
        finally:
            self._trees.forget_made()
        is_same = merged.terms == commit.trees or (
            merge.depth > 1 and _are_equal_sides(merged.terms, commit.trees)
        )
        return None if merged.is_undecided and not is_same else is_same

    def _merge(self, parents: tuple[CommitId, ...]) -> _Expression | None:
        """Return the commits whose trees, alternately added and removed, are the merge of these."""
        found = self._find(parents, _MAX_DEPTH + 1)
        if found is None:
            self._expressions[parents] = _UNKNOWN
        return found

    def _find(self, parents: tuple[CommitId, ...], left: int) -> _Expression | None:
        """Like :meth:`_merge`, for at most ``left`` stacked merges."""
        known = self._expressions.get(parents)
        if known is None:
            if left == 0:
                return None
            known = self._build(parents, left)
            if known is None:
                return None
            self._expressions[parents] = known
        return known if known.depth <= left else None

    def _build(self, parents: tuple[CommitId, ...], left: int) -> _Expression | None:
        terms: tuple[CommitId, ...] = (parents[0],)
        depth = 1
        for position, parent in enumerate(parents[1:], start=1):
            common = find_common_ancestors(
                parents[:position], [parent], self._commits.read_node
            ) or (root_commit_id(self._commits.id_bytes),)
            base: tuple[CommitId, ...] = common
            if len(common) > 1:
                below = self._find(common, left - 1)
                if below is None:
                    return None
                base, depth = below.terms, max(depth, below.depth + 1)
            if len(terms) + len(base) > _MAX_TERMS:
                return _UNKNOWN
            terms = flatten([terms, base, (parent,)])
        return _Expression(terms, depth)


@dataclass(frozen=True, slots=True)
class _Expression:
    terms: tuple[CommitId, ...]
    depth: int
    """The number of stacked merges."""


def _are_equal_sides(one: tuple[TreeId, ...], other: tuple[TreeId, ...]) -> bool:
    """Compare terms but for their order: jj takes several bases in that of its index."""
    return all(sorted(one[side::2]) == sorted(other[side::2]) for side in (0, 1))


_UNKNOWN = _Expression((), 1 << 30)
"""The result if the merge has no end, or too many steps."""
