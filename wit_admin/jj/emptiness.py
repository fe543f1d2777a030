"""Whether a commit changes anything against its parents, as jj sees it.

Source: jj's lib/src/commit.rs, is_backend_commit_empty; lib/src/rewrite.rs, merge_commit_trees.
"""

from __future__ import annotations

from collections.abc import Sequence

from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.commits import Commit, TreeId
from wit_admin.jj.conflicts import Terms
from wit_admin.jj.graph import find_common_ancestors
from wit_admin.jj.ids import CommitId, root_commit_id
from wit_admin.jj.merges import flatten, simplify
from wit_admin.jj.tree_merges import MergedTrees, merge_trees
from wit_admin.jj.trees import TreeEntry, Trees

_MAX_DEPTH = 32
_MAX_TERMS = 255
"""Criss-cross histories can be made so that each step doubles the terms."""


def is_empty(commits: CommitStore, trees: Trees, commit: Commit) -> bool | None:
    """Tell whether a commit changes nothing; ``None`` where only jj itself could tell.

    With one parent the answer is exact and cheap; a merge is compared with the automatic merge of
    its parents, and only where the lines of a file had to be merged may the answer be unknown.

    Raises:
        MissingJjError: A parent, an ancestor or a tree is not there.
        DamagedJjError: One of them is malformed.
    """
    if commit.is_root:
        return True
    if len(commit.parents) == 1:
        return commit.trees == commits.read(commit.parents[0]).trees
    expression = _merge_expression(commits, commit.parents, depth=0)
    if expression is None:
        return None
    terms = simplify(flatten([commits.read(commit_id).trees for commit_id in expression]))
    merged = merge_trees(trees, terms)
    if merged.terms == commit.trees:
        return True
    return None if _may_be_merged(trees, merged, commit.trees) else False


def _may_be_merged(trees: Trees, merged: MergedTrees, found: tuple[TreeId, ...]) -> bool:
    """Tell whether jj, by merging lines otherwise than we did, may have come to ``found``."""
    if len(found) > 1:
        return bool(merged.undecided)
    return bool(merged.undecided) and all(
        _is_mixture(trees, terms, _find_file(trees, found[0], path))
        for path, terms in merged.undecided
    )


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


def _find_file(trees: Trees, tree_id: TreeId, path: bytes) -> TreeEntry | None:
    *folders, name = path.split(b"/")
    for folder in folders:
        entry = trees.read(tree_id).get(folder)
        if entry is None or not entry.is_tree:
            return None
        tree_id = entry.oid
    return trees.read(tree_id).get(name)


def _merge_expression(
    commits: CommitStore, parents: Sequence[CommitId], *, depth: int
) -> tuple[CommitId, ...] | None:
    """Return the commits whose trees, added and removed in turn, are the merge of ``parents``."""
    expression: tuple[CommitId, ...] = (parents[0],)
    for position, parent in enumerate(parents[1:], start=1):
        common = find_common_ancestors(parents[:position], [parent], commits.read_node)
        base: tuple[CommitId, ...] | None = common or (root_commit_id(commits.id_bytes),)
        if len(common) > 1:
            base = _merge_expression(commits, common, depth=depth + 1)
        if base is None or depth > _MAX_DEPTH or len(expression) + len(base) > _MAX_TERMS:
            return None
        expression = flatten([expression, base, (parent,)])
    return expression
