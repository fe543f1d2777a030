"""Computes how the standing of commits changes from one state of a jj repository to the next.

A commit has a row as long as a view names it or a child of it has a row. So each row counts the
children of its commit, like a reference count. The cost of a sync then depends on what changed, not
on the length of the history, and wrong clocks do no harm. Only the rows that are needed are loaded.
"""

from __future__ import annotations

import copy
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from wit_admin.errors import DamagedJjError
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.ids import ChangeId, CommitId
from wit_admin.services.jj.standing import PINNED, Roots, Standing

LoadStandings = Callable[[set[CommitId], set[ChangeId]], Mapping[CommitId, Standing]]
"""Loads the rows of these commits, if they exist, and all rows of these changes."""

_FIRST_LOOK = 4
_LONGEST_LOOK = 4096


class OutOfReachError(Exception):
    """The rows do not suffice, or too much happened: the whole repository must be read again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The differences between two states."""

    standings: dict[CommitId, Standing]
    """The standings of commits that are new or whose standing changed."""
    regrouped: frozenset[str]
    """The changes that gained or lost a commit, or with a commit whose standing changed."""
    gone: dict[CommitId, Standing]
    before: Mapping[CommitId, Standing]
    """The rows that were loaded, as they are in the database."""
    whole: frozenset[ChangeId]
    """The changes whose rows are all among the loaded ones."""


def move(  # noqa: PLR0913  the rows, the disk, two states, and how much there may be
    commits: CommitStore,
    load: LoadStandings,
    old: Roots,
    new: Roots,
    *,
    most_new: int | None = None,
    is_cut: bool = False,
) -> Moved:
    """Return the changes in the rows when the roots ``old`` are replaced by ``new``.

    ``is_cut`` says that old immutable commits have no rows.

    Raises:
        OutOfReachError: A commit that matters has no row, or more than ``most_new`` are new.
        MissingJjError: A new commit is missing.
        DamagedJjError: One is malformed.
    """
    moving = _Moving(commits, load, most_new=most_new, is_cut=is_cut)
    moving.expect(old.compare(new))
    moving.add(new.known - old.known, new.visible)
    moving.raise_up("visible", new.visible - old.visible)
    moving.raise_up("immutable", new.immutable - old.immutable)
    moving.lower("visible", old.visible - new.visible, new.visible)
    moving.lower("immutable", old.immutable - new.immutable, new.immutable)
    moving.remove(old.known - new.known, new.known)
    moving.check_out(old.checked_out, new.checked_out)
    return moving.result()


_Mark = Literal["visible", "immutable"]


class _Moving:
    def __init__(
        self, commits: CommitStore, load: LoadStandings, *, most_new: int | None, is_cut: bool
    ) -> None:
        self._commits = commits
        self._load = load
        self._most_new = most_new
        self._is_cut = is_cut
        self._before: dict[CommitId, Standing] = {}
        self._now: dict[CommitId, Standing | None] = {}
        self._whole: set[ChangeId] = set()
        self._look = _FIRST_LOOK

    def expect(self, roots: Iterable[CommitId]) -> None:
        """Load in one go what is certainly needed: these commits, their parents and changes."""
        ids: set[CommitId] = set()
        for root in itertools.islice(roots, _LONGEST_LOOK):
            ids.add(root)
            commit = self._peek(root)
            if commit is not None:
                ids.update(commit.parents)
                self._whole.add(commit.change_id)
        if ids:
            self._take(ids, self._whole)

    def add(self, roots: Iterable[CommitId], heads: frozenset[CommitId]) -> None:
        """Add these commits, and their ancestors."""
        waiting = [root for root in roots if self._commits.find(root) is not None]
        added: dict[CommitId, Standing] = {}
        while waiting:
            commit_id = waiting.pop()
            if self._find(commit_id) is not None:
                continue
            if self._most_new is not None and len(added) >= self._most_new:
                raise OutOfReachError
            commit = self._commits.read(commit_id)
            if self._is_cut and commit.is_root:
                raise OutOfReachError
            added[commit_id] = self._now[commit_id] = Standing(commit.change_id, commit.parents)
            waiting += commit.parents
        for commit_id, standing in added.items():
            for parent in self._parents(standing):
                parent.children += 1
                if parent.visible_children >= PINNED and commit_id not in heads:
                    # It may be an old commit that was left out, not a new one.
                    raise OutOfReachError

    def raise_up(self, mark: _Mark, roots: Iterable[CommitId]) -> None:
        """Make these commits, and their ancestors, visible or immutable."""
        waiting = list(roots)
        while waiting:
            standing = self._find(waiting.pop())
            if standing is None or getattr(standing, f"is_{mark}"):
                continue
            setattr(standing, f"is_{mark}", True)
            for parent in self._parents(standing):
                self._count(parent, mark, 1)
            waiting += standing.parents

    def lower(self, mark: _Mark, old_roots: Iterable[CommitId], roots: frozenset[CommitId]) -> None:
        """Make commits hidden or mutable that are no longer ancestors of ``roots``."""
        waiting = list(old_roots)
        while waiting:
            commit_id = waiting.pop()
            standing = self._find(commit_id)
            if standing is None:
                if self._is_cut:
                    # It was left out because it is old, but now it needs a row.
                    raise OutOfReachError
                continue
            children = getattr(standing, f"{mark}_children")
            if children % PINNED or commit_id in roots or not getattr(standing, f"is_{mark}"):
                continue
            if children:
                raise OutOfReachError
            setattr(standing, f"is_{mark}", False)
            for parent in self._parents(standing):
                self._count(parent, mark, -1)
            waiting += standing.parents

    def remove(self, old_roots: Iterable[CommitId], roots: frozenset[CommitId]) -> None:
        """Remove the commits that are no longer needed."""
        waiting = list(old_roots)
        while waiting:
            commit_id = waiting.pop()
            standing = self._find(commit_id)
            if standing is None or commit_id in roots or standing.children:
                continue
            if standing.is_immutable:
                # It has children that were left out.
                continue
            self._now[commit_id] = None
            for parent in self._parents(standing):
                parent.children -= 1
            waiting += standing.parents

    def check_out(self, old: frozenset[CommitId], new: frozenset[CommitId]) -> None:
        """Mark the commits that are checked out now, and unmark those that no longer are."""
        for commit_id in old ^ new:
            standing = self._find(commit_id)
            if standing is not None:
                standing.is_working_copy = commit_id in new

    def result(self) -> Moved:
        """Return the differences."""
        standings = {
            commit_id: standing
            for commit_id, standing in self._now.items()
            if standing is not None and standing != self._before.get(commit_id)
        }
        gone = {
            commit_id: standing
            for commit_id, standing in self._before.items()
            if self._now[commit_id] is None
        }
        regrouped = {standing.change_id for standing in gone.values()}
        for commit_id, standing in standings.items():
            before = self._before.get(commit_id)
            if before is None or _facts(before) != _facts(standing):
                regrouped.add(standing.change_id)
        whole = frozenset(self._whole)
        return Moved(standings, frozenset(regrouped), gone, self._before, whole)

    def _count(self, parent: Standing, mark: _Mark, number: int) -> None:
        name = f"{mark}_children"
        setattr(parent, name, getattr(parent, name) + number)

    def _parents(self, standing: Standing) -> Iterable[Standing]:
        found = (self._find(parent_id) for parent_id in standing.parents)
        return (parent for parent in found if parent is not None)

    def _find(self, commit_id: CommitId) -> Standing | None:
        """Return the standing of a commit; ``None`` if it has no row."""
        if commit_id not in self._now:
            self._take(self._look_ahead(commit_id), set())
        return self._now[commit_id]

    def _take(self, commit_ids: set[CommitId], change_ids: set[ChangeId]) -> None:
        found = self._load(commit_ids, change_ids)
        self._before.update(found)
        for each in commit_ids | found.keys():
            self._now[each] = copy.copy(found.get(each))

    def _look_ahead(self, commit_id: CommitId) -> set[CommitId]:
        """Return the commit and some ancestors, more each time, to need only few queries."""
        ids = {commit_id}
        waiting = deque([commit_id])
        while waiting and len(ids) < self._look:
            commit = self._peek(waiting.popleft())
            new = [] if commit is None else [each for each in commit.parents if each not in ids]
            waiting += new
            ids.update(new)
        self._look = min(2 * self._look, _LONGEST_LOOK)
        return ids - self._now.keys()

    def _peek(self, commit_id: CommitId) -> Commit | None:
        try:
            return self._commits.find(commit_id)
        except DamagedJjError:
            # It may be a commit that is removed; if it is needed, that code raises the error.
            return None


def _facts(standing: Standing) -> tuple[bool, bool]:
    return standing.is_visible, standing.is_immutable
