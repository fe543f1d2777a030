"""Computes the state of a repository with several operation heads, before jj reconciles them.

jj merges the views and rebases what was rewritten on one side. The rebase makes new commits, which
a reader cannot know. So the result is an approximation: bookmarks and tags are exact, and the heads
are those that no side removed.
Source: jj's lib/src/refs.rs, merge_ref_targets; lib/src/view.rs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.graph import (
    Node,
    find_ancestors,
    find_common_ancestors,
    find_difference,
    is_ancestor,
)
from wit_admin.jj.ids import CommitId, OperationId
from wit_admin.jj.merges import flatten, resolve_trivially, simplify
from wit_admin.jj.op_store import OpStore
from wit_admin.jj.ref_targets import ABSENT, RefTarget
from wit_admin.jj.views import RemoteRef, RemoteView, View

T = TypeVar("T")

IsAncestor = Callable[[CommitId, CommitId], bool]
"""Returns whether the first commit is an ancestor of the second."""

_MAX_TERMS = 65
"""A merged target with more terms stays in conflict, because each pair of terms costs a walk."""
_MAX_NODES = 5_000_000
"""The most commits that a merge of views reads to find targets that are ancestors of others.
Targets that are not resolved by then stay in conflict, until jj itself merges them."""

_NOT_THERE = RemoteRef(ABSENT, is_tracked=False)


def merge_heads(op_store: OpStore, commits: CommitStore, heads: Sequence[OperationId]) -> View:
    """Return the provisional view of several operation heads; it has no id.

    Raises:
        MissingJjError: An operation, a view or a commit is not there.
        DamagedJjError: One of them is malformed.
    """
    ordered = sorted(heads, key=lambda head: (op_store.read_operation(head).end.ms, head))
    merged = _read_view(op_store, ordered[0])
    for position, head in enumerate(ordered[1:], start=1):
        # If there are several best ancestors, jj merges them first; here the first one suffices.
        base = find_common_ancestors(ordered[:position], [head], op_store.read_node)[0]
        merged = merge_views(
            commits, merged, _read_view(op_store, base), _read_view(op_store, head)
        )
    return dataclasses.replace(merged, id="")


def merge_views(commits: CommitStore, left: View, base: View, right: View) -> View:
    """Return ``base`` with the changes of both sides; see :func:`merge_heads`."""
    met = 0

    def read(commit_id: CommitId) -> Node:
        nonlocal met
        met += 1
        return commits.read_node(commit_id)

    def leads(ancestor: CommitId, descendant: CommitId) -> bool:
        return met < _MAX_NODES and is_ancestor(ancestor, descendant, read)

    def targets(name: str) -> dict[str, RefTarget]:
        sides = [getattr(view, name) for view in (left, base, right)]
        merged = _merge_maps(
            sides, ABSENT, lambda ours, common, theirs: merge_targets(ours, common, theirs, leads)
        )
        return {key: target for key, target in merged.items() if not target.is_absent}

    bookmarks, tags = targets("bookmarks"), targets("tags")
    remotes = _merge_maps(
        [left.remotes, base.remotes, right.remotes],
        RemoteView(),
        lambda ours, common, theirs: _merge_remotes(ours, common, theirs, leads),
    )
    return dataclasses.replace(
        left,
        head_ids=_merge_heads(commits, left, base, right),
        working_copies=_merge_working_copies(left, base, right),
        bookmarks=bookmarks,
        tags=tags,
        remotes={
            name: RemoteView(
                _without_orphans(remote.bookmarks, bookmarks), _without_orphans(remote.tags, tags)
            )
            for name, remote in remotes.items()
        },
        git_tags=_merge_refs([left.git_tags, base.git_tags, right.git_tags], leads),
        git_refs=targets("git_refs"),
        git_heads=targets("git_heads"),
    )


def merge_targets(
    left: RefTarget, base: RefTarget, right: RefTarget, leads: IsAncestor
) -> RefTarget:
    """Return the merge of both sides' changes to the target ``base``, perhaps a conflict."""
    terms = simplify(flatten([left.terms, base.terms, right.terms]))
    resolved = resolve_trivially(terms)
    if resolved is not None:
        return RefTarget(resolved)
    if len(terms) > _MAX_TERMS:
        return RefTarget(terms)
    left_over = list(terms)
    pair = _find_overtaken(left_over, leads)
    while pair is not None:
        for at in pair:
            # The last term replaces the removed one, as in jj.
            left_over[at] = left_over[-1]
            left_over.pop()
        pair = _find_overtaken(left_over, leads)
    return RefTarget(tuple(left_over))


def _find_overtaken(terms: Sequence[CommitId | None], leads: IsAncestor) -> tuple[int, int] | None:
    """Return the positions of an added term that is an ancestor of another, and of its base."""
    for first in range(0, len(terms), 2):
        for second in range(first + 2, len(terms), 2):
            one, other = terms[first], terms[second]
            if one is None or other is None:
                continue
            if leads(one, other):
                add, commit_id = first, one
            elif leads(other, one):
                add, commit_id = second, other
            else:
                continue
            for remove in range(1, len(terms), 2):
                removed = terms[remove]
                if removed is None or leads(removed, commit_id):
                    return add, remove
    return None


def _merge_heads(commits: CommitStore, left: View, base: View, right: View) -> tuple[CommitId, ...]:
    read = commits.read_node
    taken_away = find_difference(base.head_ids, left.head_ids, read) | find_difference(
        base.head_ids, right.head_ids, read
    )
    found = {*left.head_ids, *right.head_ids}
    # If each side removed what the other kept, something must still be visible.
    kept = (found - taken_away) or found
    return tuple(sorted(kept - find_ancestors(sorted(kept), read)))


def _merge_working_copies(left: View, base: View, right: View) -> dict[str, CommitId]:
    sides = [view.working_copies for view in (left, base, right)]
    # Where both moved it the first side stays, but a workspace that either forgot is gone.
    merged: dict[str, CommitId | None] = _merge_maps(
        sides, None, lambda ours, _, theirs: None if theirs is None else ours
    )
    return {name: commit_id for name, commit_id in merged.items() if commit_id is not None}


def _merge_remotes(
    left: RemoteView, base: RemoteView, right: RemoteView, leads: IsAncestor
) -> RemoteView:
    return RemoteView(
        _merge_refs([left.bookmarks, base.bookmarks, right.bookmarks], leads),
        _merge_refs([left.tags, base.tags, right.tags], leads),
    )


def _without_orphans(
    refs: Mapping[str, RemoteRef], local: Mapping[str, RefTarget]
) -> dict[str, RemoteRef]:
    """Return what is left once jj has set the local ones: it then forgets absent remote ones."""
    return {name: ref for name, ref in refs.items() if name in local or not ref.target.is_absent}


def _merge_refs(
    sides: Sequence[Mapping[str, RemoteRef]], leads: IsAncestor
) -> dict[str, RemoteRef]:
    merged = _merge_maps(
        sides, _NOT_THERE, lambda ours, common, theirs: _merge_ref(ours, common, theirs, leads)
    )
    return {name: ref for name, ref in merged.items() if ref != _NOT_THERE}


def _merge_ref(left: RemoteRef, base: RemoteRef, right: RemoteRef, leads: IsAncestor) -> RemoteRef:
    tracked = resolve_trivially((left.is_tracked, base.is_tracked, right.is_tracked))
    return RemoteRef(
        merge_targets(left.target, base.target, right.target, leads),
        tracked[0] if tracked is not None else base.is_tracked,
    )


def _merge_maps(
    sides: Sequence[Mapping[str, T]], absent: T, merge: Callable[[T, T, T], T]
) -> dict[str, T]:
    left, base, right = sides
    merged = {}
    for name in {**left, **base, **right}:
        ours, common, theirs = (side.get(name, absent) for side in sides)
        if ours in (common, theirs):
            merged[name] = theirs
        else:
            merged[name] = ours if theirs == common else merge(ours, common, theirs)
    return merged


def _read_view(op_store: OpStore, operation_id: OperationId) -> View:
    return op_store.read_view(op_store.read_operation(operation_id).view_id)
