"""Indexes jj change ids of pushed commits, without jj on the server.

Git carries jj's ``change-id`` header from clone to clone. A version that a forced push replaced
stays, as hidden. Nothing is read while a push runs. The rows of each repository say up to which
push they are indexed, so an unfinished run is continued later. If jj's own stores are synced, they
are the better source, and nothing is indexed here.
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
from wit_admin.git.refs.branch_tips import read_branch_tips
from wit_admin.git.repositories.disk import Disk
from wit_admin.git.repositories.storage import resolve
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
from wit_admin.services.jj import rows as jj_rows
from wit_admin.services.jj.standing import Groups, Standing, group, to_standings
from wit_admin.services.repositories.root_presence import RootPresence

MAX_COMMITS = 10_000
"""The most commits read of one push, or of a repository's first indexing; older ones are ignored.
A large commit counts as several, by its memory."""
MAX_VERSIONS = 1000
"""The most versions of one change. Each new version requires a look at all of them, so a change
with more is no longer updated."""
_MAX_DUE_REPOSITORIES = 10_000
_NO_EXTRAS = StackedTable((), {}, is_lost=False)


def list_due(sessions: sessionmaker[Session]) -> Sequence[uuid.UUID]:
    """Return the repositories with pushes that are not indexed yet, a few thousand at most."""
    with sessions() as session:
        return pushed_changes.list_due(session, limit=_MAX_DUE_REPOSITORIES)


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
    # The inspector has just checked that nothing in it leads out of the allowed folders.
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
            # Another process was faster; pushes that it did not see are still due.
            return 0
        jj_commits.write_changes(session.connection(), repo_id, changes, commits)
        pushed_changes.hide(session, repo_id, moves.hidden, moves.touched - moves.visible.keys())
        pushed_changes.save(session, repo_id, heads, pushed.pushed_at)
    return len(moves.new)


def _read_heads(disk: Disk, gitdir: Path) -> list[str]:
    """Return the commits of its branches, if git may open the repository."""
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
    """The effect of pushes on commits, and the changes concerned."""

    new: Mapping[CommitId, Standing]
    hidden: Mapping[CommitId, Standing]
    touched: AbstractSet[ChangeId]
    visible: Groups
    """The visible versions of these changes."""


def _read_moves(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    history: PushedHistory,
    old_heads: Sequence[CommitId],
    heads: Sequence[CommitId],
) -> _Moves:
    added, gone = history.compare(old_heads, heads)
    # One at a time, and not cached: they may be large.
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
    """Return how many normal commits it counts as."""
    return 1 + len(commit.description) // 1000 + (len(commit.parents) + len(commit.trees)) // 10


def _has_change_id(commit: Commit) -> bool:
    return commit.change_id != synthesize(commit.id)


class _TooFarError(Exception):
    """There are more commits between two states than the limit."""


@dataclass(frozen=True, slots=True)
class PushedHistory:
    """The commits of a repository without jj."""

    commits: CommitStore
    emptiness: Emptiness

    @classmethod
    def open(cls, gitdir: Path, root: Path | None) -> PushedHistory:
        """Open it; with a ``root``, read nothing outside of that.

        Raises:
            JjError: It cannot be read.
        """
        git = open_git_dir(gitdir, Boundary(root))
        objects = Objects(git.object_folders, git.id_bytes)
        commits = CommitStore(objects, _NO_EXTRAS, git.read_shallow(), git.id_bytes)
        return cls(commits, Emptiness(commits, Trees(objects, git.id_bytes)))

    def is_empty(self, commit: Commit) -> bool | None:
        """Return whether a commit changes nothing; ``None`` if that is unknown.

        Partial and shallow clones lack the trees and parents to tell.
        """
        try:
            return self.emptiness.is_empty(commit)
        except MissingJjError:
            return None

    def compare(
        self, old: Sequence[CommitId], new: Sequence[CommitId]
    ) -> tuple[set[CommitId], set[CommitId] | None]:
        """Return the commits that were added and removed, up to the limit.

        ``None`` for the removed ones means all except the added ones: the old state is unknown.
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
                # git may have removed the replaced commits.
                pass
        newest, left = set(), MAX_COMMITS
        for commit in self.commits.walk(new):
            newest.add(commit.id)
            left -= _weight(commit)
            if left <= 0:
                return newest, set()
        return newest, None
