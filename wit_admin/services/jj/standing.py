"""The standing of commits in a jj repository: visible, immutable, number of children.

A first sync reads all of it here; :mod:`wit_admin.services.jj.moves` brings it up to date later.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wit_admin.db.queries.jj_commits import CommitValues
from wit_admin.jj.commit_store import COMMIT_SKEW_MS, CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.graph import find_difference
from wit_admin.jj.ids import ChangeId, CommitId
from wit_admin.jj.views import View
from wit_admin.jj.visibility import immutable_heads

PINNED = 1 << 24
"""Added to the child counts of a commit if some of its children have no row."""


@dataclass(slots=True)
class Standing:
    """The part of a commit's row that can change, and the counts to compute it."""

    change_id: ChangeId
    parents: tuple[CommitId, ...]
    is_visible: bool = False
    is_immutable: bool = False
    is_working_copy: bool = False
    children: int = 0
    """The number of children that have a row."""
    visible_children: int = 0
    """The number of visible children; at least :data:`PINNED` if more have no row."""
    immutable_children: int = 0


Groups = Mapping[ChangeId, Mapping[CommitId, Standing]]
"""The commits of each change, with their standings."""


@dataclass(frozen=True, slots=True)
class Roots:
    """The commits that a view names; all other commits are ancestors of these."""

    known: frozenset[CommitId]
    visible: frozenset[CommitId]
    immutable: frozenset[CommitId]
    checked_out: frozenset[CommitId]

    def compare(self, other: Roots) -> frozenset[CommitId]:
        """Return the commits that differ between the two."""
        return (
            (self.known ^ other.known)
            | (self.visible ^ other.visible)
            | (self.immutable ^ other.immutable)
            | (self.checked_out ^ other.checked_out)
        )

    @classmethod
    def of(cls, view: View, commits: CommitStore) -> Roots:
        """Return the roots of a view, without commits that Git has lost."""
        return cls(
            known=frozenset(view.commit_ids()),
            visible=frozenset(view.head_ids),
            immutable=frozenset(immutable_heads(commits, view)),
            checked_out=frozenset(view.working_copies.values()),
        )


@dataclass(frozen=True, slots=True)
class Everything:
    """All commits of a repository that must have a row."""

    commits: Mapping[CommitId, Commit]
    standings: dict[CommitId, Standing]
    is_cut: bool
    """Whether older commits, all visible and immutable, are left out."""


def read_everything(commits: CommitStore, view: View, *, max_changes: int | None) -> Everything:
    """Read all ancestors of the commits that the view names, or the newest part of them.

    Raises:
        MissingJjError: A commit is missing.
        DamagedJjError: One is malformed.
    """
    roots = Roots.of(view, commits)
    if max_changes is None:
        everything = _read_all(commits, roots)
    else:
        everything = _read_newest(commits, roots, max_changes)
    standings = everything.standings
    for commit_id in roots.checked_out & standings.keys():
        standings[commit_id].is_working_copy = True
    for standing in standings.values():
        for parent_id in standing.parents:
            parent = standings.get(parent_id)
            if parent is not None:
                parent.children += 1
                parent.visible_children += standing.is_visible
                parent.immutable_children += standing.is_immutable
    return everything


def _read_all(commits: CommitStore, roots: Roots) -> Everything:
    found = commits.read_all(roots.known)
    visible = _find_leading(found, roots.visible)
    immutable = _find_leading(found, roots.immutable)
    standings = {
        commit_id: Standing(
            commit.change_id, commit.parents, commit_id in visible, commit_id in immutable
        )
        for commit_id, commit in found.items()
    }
    return Everything(found, standings, is_cut=False)


def _find_leading(found: Mapping[CommitId, Commit], heads: Iterable[CommitId]) -> set[CommitId]:
    leading: set[CommitId] = set()
    waiting = [head for head in heads if head in found]
    while waiting:
        commit_id = waiting.pop()
        if commit_id not in leading:
            leading.add(commit_id)
            waiting += found[commit_id].parents
    return leading


def _read_newest(commits: CommitStore, roots: Roots, most: int) -> Everything:
    """Read mutable and named commits, and the newest immutable ones.

    If clocks were wrong by more than :data:`COMMIT_SKEW_MS`, some may be missing.
    """
    named = frozenset(_present(commits, roots.known))
    heads = frozenset(_present(commits, roots.immutable))
    mutable = _lead_only(commits, named, heads)
    hidden = _lead_only(commits, named, frozenset(_present(commits, roots.visible)))
    newest = [commit.id for commit in itertools.islice(commits.walk(heads), most + 1)]
    is_cut = len(newest) > most
    ids = mutable.union(newest[:most])
    ids |= hidden
    # Mutable commits have these as parents, also after they are rewritten.
    deeper = named.union(*(commits.read(commit_id).parents for commit_id in mutable)) - ids
    found = {commit_id: commits.read(commit_id) for commit_id in ids | deeper}
    standings = {
        commit_id: Standing(
            commit.change_id, commit.parents, commit_id not in hidden, commit_id not in mutable
        )
        for commit_id, commit in found.items()
    }
    if is_cut:
        for commit_id in deeper:
            standings[commit_id].visible_children = PINNED
            standings[commit_id].immutable_children = PINNED
    return Everything(found, standings, is_cut=is_cut)


def _lead_only(
    commits: CommitStore, heads: Iterable[CommitId], others: Iterable[CommitId]
) -> set[CommitId]:
    return find_difference(heads, others, commits.read_node, skew_ms=COMMIT_SKEW_MS)


def group(standings: Iterable[tuple[CommitId, Standing]]) -> Groups:
    """Return commits by their change."""
    groups: dict[ChangeId, dict[CommitId, Standing]] = defaultdict(dict)
    for commit_id, standing in standings:
        groups[standing.change_id][commit_id] = standing
    return dict(groups)


def to_standings(rows: Iterable[CommitValues]) -> dict[CommitId, Standing]:
    """Return the standings in rows."""
    return {
        row.commit_id: Standing(
            row.change_id,
            tuple(row.parents),
            row.is_visible,
            row.is_immutable,
            row.is_working_copy,
            row.children,
            row.visible_children,
            row.immutable_children,
        )
        for row in rows
    }


def _present(commits: CommitStore, commit_ids: Iterable[CommitId]) -> Iterable[CommitId]:
    # A bookmark may name a commit for ever that Git never had, or lost.
    return (commit_id for commit_id in commit_ids if commits.find(commit_id) is not None)
