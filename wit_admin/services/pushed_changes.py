"""Indexes jj change ids of pushed commits, without any jj on the server.

Git carries jj's ``change-id`` header from clone to clone. A version that a forced push replaced
stays, hidden. Nothing is read while a push runs, and what was not finished is done the next time:
each repository's rows say up to which push they are. Where jj's own stores are synced, they are
the better source, and this keeps away.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import jj_commits, pushed_changes
from wit_admin.errors import (
    ConflictError,
    MissingJjError,
    NoJjRepositoryError,
    TooLargeError,
    UnavailableError,
    UnreadableJjError,
)
from wit_admin.git.branch_tips import read_branch_tips
from wit_admin.git.disk import Disk
from wit_admin.git.storage import resolve
from wit_admin.jj.change_ids import synthesize
from wit_admin.jj.commit_store import COMMIT_SKEW_MS, CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.emptiness import Emptiness
from wit_admin.jj.files import Boundary
from wit_admin.jj.git_dir import open_git_dir
from wit_admin.jj.graph import Node, compare_heads
from wit_admin.jj.ids import ChangeId, CommitId
from wit_admin.jj.objects import Objects
from wit_admin.jj.stacked_table import StackedTable
from wit_admin.jj.trees import Trees
from wit_admin.services import jj_rows
from wit_admin.services.jj_standing import Groups, Standing, group, to_standings
from wit_admin.services.root_presence import RootPresence

MAX_COMMITS = 10_000
"""Of one push, or one repository at first; older ones are not looked at. Large ones count for as
many usual ones as would take their memory."""
MAX_VERSIONS = 1000
"""Of one change, all of which have to be looked at for each that comes: with more of them it is
left as it is."""
_MOST_DUE = 10_000
_NO_EXTRAS = StackedTable((), {}, is_lost=False)


def list_due(sessions: sessionmaker[Session]) -> Sequence[uuid.UUID]:
    """Return repositories with pushes that are not indexed yet, at most some thousands."""
    with sessions() as session:
        return pushed_changes.list_due(session, limit=_MOST_DUE)


def index_pushed(sessions: sessionmaker[Session], disk: Disk, repo_id: uuid.UUID) -> int:
    """Bring one repository's changes up to its branches; return how many commits were new.

    Raises:
        JjError: Its branches or a commit cannot be read.
        IntegrityError: The repository was removed meanwhile.
        UnavailableError: The database is gone, or the disk of all repositories.
    """
    with sessions() as session:
        pushed = pushed_changes.find(session, repo_id)
    if pushed is None:
        return 0
    place = resolve(disk.root, pushed.disk_path)
    if place is None:
        if not RootPresence(disk.root).look():
            raise UnavailableError(f"{disk.root} is gone or empty.")
        raise NoJjRepositoryError(f"There is no repository at {pushed.disk_path}.")
    heads = _read_heads(disk, place.gitdir)
    # Nothing in it leads further than the operator allows: that was just looked at.
    history = PushedHistory.open(place.gitdir, None)
    moves = _read_moves(sessions, repo_id, history, pushed.heads or [], heads)
    changes = jj_rows.change_rows(history, moves.visible)
    commits = jj_rows.commit_rows(moves.new)
    with sessions.begin() as session:
        before = pushed_changes.lock(session, repo_id)
        if pushed_changes.find(session, repo_id) is None:
            session.delete(before)
            return 0
        if before.heads != (pushed.heads or []):
            # Another process was faster; what it did not see yet is still due.
            return 0
        jj_commits.write_changes(session.connection(), repo_id, changes, commits)
        pushed_changes.hide(session, repo_id, moves.hidden, moves.touched - moves.visible.keys())
        pushed_changes.save(session, repo_id, heads, pushed.pushed_at)
    return len(moves.new)


def _read_heads(disk: Disk, gitdir: Path) -> list[str]:
    """Return what its branches point at, if git may work there."""
    try:
        disk.inspector.check(gitdir)
        disk.inspector.check_loose_objects(gitdir)
        return read_branch_tips(disk.ancestry.tools, gitdir)
    except (ConflictError, TooLargeError, UnavailableError) as error:
        raise UnreadableJjError(f"{gitdir}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise UnreadableJjError(
            f"The refs of {gitdir} cannot be read: {error.strerror}."
        ) from error


@dataclass(frozen=True, slots=True)
class _Moves:
    """What pushes did to commits, and to which changes."""

    new: Mapping[CommitId, Standing]
    hidden: Mapping[CommitId, Standing]
    touched: AbstractSet[ChangeId]
    visible: Groups
    """Of those that are touched, the visible versions."""


def _read_moves(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    history: PushedHistory,
    old_heads: Sequence[CommitId],
    heads: Sequence[CommitId],
) -> _Moves:
    added, gone = history.compare(old_heads, heads)
    # One at a time, and not kept: they may be large.
    new = {
        commit.id: Standing(commit.change_id, commit.parents, is_visible=True)
        for commit in map(history.commits.read, added)
        if _has_change_id(commit)
    }
    with sessions() as session:
        connection = session.connection()
        if gone is None:
            gone = jj_commits.list_commit_ids(connection, repo_id).keys() - added
        hidden = to_standings(jj_commits.list_commits(connection, repo_id, commit_ids=gone))
        touched = {standing.change_id for standing in new.values()}
        touched.update(standing.change_id for standing in hidden.values())
        crowded = pushed_changes.list_crowded(session, repo_id, touched, most=MAX_VERSIONS)
        touched -= crowded
        standings = to_standings(jj_commits.list_commits(connection, repo_id, change_ids=touched))
    new = {each: standing for each, standing in new.items() if standing.change_id not in crowded}
    visible = group(
        (commit_id, standing)
        for commit_id, standing in {**standings, **new}.items()
        if standing.is_visible and commit_id not in hidden
    )
    return _Moves(new, hidden, touched, visible)


def _weight(commit: Commit) -> int:
    """Return as how many usual commits it counts."""
    return 1 + len(commit.description) // 1000 + (len(commit.parents) + len(commit.trees)) // 10


def _has_change_id(commit: Commit) -> bool:
    return commit.change_id != synthesize(commit.id)


class _TooFarError(Exception):
    """More lies between two states than is looked at."""


@dataclass(frozen=True, slots=True)
class PushedHistory:
    """The commits of a repository without any jj."""

    commits: CommitStore
    emptiness: Emptiness

    @classmethod
    def open(cls, gitdir: Path, root: Path | None) -> PushedHistory:
        """Open it; nothing outside of ``root`` is read, if that is given.

        Raises:
            JjError: It cannot be read.
        """
        git = open_git_dir(gitdir, Boundary(root))
        objects = Objects(git.object_folders, git.id_bytes)
        commits = CommitStore(objects, _NO_EXTRAS, git.read_shallow(), git.id_bytes)
        return cls(commits, Emptiness(commits, Trees(objects, git.id_bytes)))

    def is_empty(self, commit: Commit) -> bool | None:
        """Tell whether a commit changes nothing; ``None`` if what tells it is not here.

        Partial and shallow clones lack trees and parents.
        """
        try:
            return self.emptiness.is_empty(commit)
        except MissingJjError:
            return None

    def compare(
        self, old: Sequence[CommitId], new: Sequence[CommitId]
    ) -> tuple[set[CommitId], set[CommitId] | None]:
        """Return the commits that came and those that went, as far as they are looked at.

        ``None`` are all that did not come: they cannot be told from what was before.
        """
        left = 2 * MAX_COMMITS

        def read(commit_id: CommitId) -> Node:
            nonlocal left
            if left <= 0:
                raise _TooFarError
            left -= _weight(self.commits.read(commit_id))
            return self.commits.read_node(commit_id)

        if old:
            try:
                return compare_heads(old, new, read, skew_ms=COMMIT_SKEW_MS)
            except (_TooFarError, MissingJjError):
                # git may have removed what was replaced.
                pass
        newest, left = set(), MAX_COMMITS
        for commit in self.commits.walk(new):
            newest.add(commit.id)
            left -= _weight(commit)
            if left <= 0:
                return newest, set()
        return newest, None
