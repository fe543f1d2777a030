"""Brings the rows of a jj repository up to what its own stores say.

The disk is read first, with no transaction open. Then one transaction writes changes, bookmarks,
operations, conflicts and the head set that they are of: readers never see two states mixed, and
who is killed leaves the state before. Two at once end as one: who comes second begins again.
"""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.jj import Conflict
from wit_admin.db.queries import jj
from wit_admin.errors import BusyError
from wit_admin.jj.commit_store import COMMIT_SKEW_MS
from wit_admin.jj.graph import find_difference
from wit_admin.jj.ids import ChangeId, CommitId, OperationId
from wit_admin.jj.repository import JjRepository, read_repository
from wit_admin.jj.visibility import immutable_heads
from wit_admin.services import jj_rows
from wit_admin.services.jj_survey import Survey, survey

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class JjSyncResult:
    """What one sync wrote."""

    is_full: bool = False
    """Nothing was known before, or the old state was gone."""
    operations: int = 0
    changes: int = 0
    bookmarks: int = 0
    removed_commits: int = 0
    removed_operations: int = 0


def sync_repository(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    path: Path,
    *,
    root: Path | None = None,
    now: datetime,
) -> JjSyncResult:
    """Bring the rows up to the present state of the repository at ``path``.

    Again without anything new it writes nothing. Costs what happened since the last time.

    Raises:
        JjError: The repository cannot be read; the rows stay as they are.
        BusyError: Others synced it each time we were about to.
    """
    for _ in range(_ATTEMPTS):
        with sessions() as session:
            old_heads = jj.find_op_heads(session, repo_id)

        def work(repository: JjRepository, old_heads: list[str] = old_heads) -> _Writing | None:
            if tuple(old_heads) == repository.op_heads:
                return None
            return _prepare(sessions, repo_id, survey(repository, old_heads))

        writing = read_repository(path, work, root=root)
        if writing is None:
            return JjSyncResult()
        with sessions.begin() as session:
            if jj.lock_op_heads(session, repo_id, path=str(path)) == old_heads:
                return writing.write(session, path, now)
    raise BusyError(f"The jj repository at {path} is being synced by others all the time.")


def _prepare(sessions: sessionmaker[Session], repo_id: uuid.UUID, found: Survey) -> _Writing:
    """Read the rows that may have to change, and from disk all that they are to be."""
    old, old_operations = _read_rows(sessions, repo_id, found)
    gone = old.keys() - found.known.added if found.is_full else old.keys() & found.known.gone
    changes = _regroup(found, {key: row for key, row in old.items() if key not in gone})
    repository = found.repository
    immutable = _immutable(repository, itertools.chain.from_iterable(changes.values()))
    checked_out = set(found.view.working_copies.values())
    commits = {
        commit_id: (repository.commits.read(commit_id), is_visible)
        for carried in changes.values()
        for commit_id, is_visible in carried.items()
    }
    return _Writing(
        repo_id=repo_id,
        found=found,
        changes=[
            jj_rows.change_row(repo_id, repository, carried, immutable)
            for carried in changes.values()
        ],
        commits=[
            jj_rows.commit_row(
                repo_id, commit, is_visible=is_visible, is_working_copy=commit.id in checked_out
            )
            for commit, is_visible in commits.values()
        ],
        operations=[
            jj_rows.operation_row(
                repo_id, operation, is_undone=operation.id in (found.undone or ())
            )
            for operation in found.operations
        ],
        bookmarks=jj_rows.bookmark_rows(repo_id, repository),
        conflicts={
            (commit.id, path): (commit.change_id, sides)
            for commit, _ in commits.values()
            for path, sides in jj_rows.conflicted_paths(repository, commit).items()
        },
        gone_commits=frozenset(gone),
        gone_changes=frozenset(change_id for change_id, _ in old.values()) - changes.keys(),
        gone_operations=old_operations - {operation.id for operation in found.operations},
    )


_OldCommits = dict[CommitId, tuple[ChangeId, bool]]
"""Of each commit that has a row its change, and whether it was visible."""


def _read_rows(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, found: Survey
) -> tuple[_OldCommits, set[OperationId]]:
    """Return the rows that may have to change, and the operations that may have to go."""
    touched = map(found.repository.commits.find, found.touched())
    change_ids = {commit.change_id for commit in touched if commit is not None}
    with sessions() as session:
        if found.is_full:
            rows = jj.list_all_commits(session, repo_id)
            operations = jj.list_operation_ids(session, repo_id)
        else:
            rows = jj.list_commits(
                session, repo_id, commit_ids=found.known.gone, change_ids=change_ids
            )
            operations = set(found.operations_gone)
        return {row.commit_id: (row.change_id, row.is_visible) for row in rows}, operations


def _regroup(found: Survey, kept: _OldCommits) -> dict[ChangeId, dict[CommitId, bool]]:
    """Return the commits of each change that is touched, and which of them are visible now."""
    changes: dict[ChangeId, dict[CommitId, bool]] = defaultdict(dict)
    for commit_id, (change_id, was_visible) in kept.items():
        is_visible = was_visible and commit_id not in found.visible.gone
        changes[change_id][commit_id] = is_visible or commit_id in found.visible.added
    for commit_id in found.known.added:
        change_id = found.repository.commits.read(commit_id).change_id
        changes[change_id][commit_id] = commit_id in found.visible.added
    return dict(changes)


@dataclass(frozen=True, slots=True)
class _Writing:
    """All that one transaction is to write, ready."""

    repo_id: uuid.UUID
    found: Survey
    changes: list[dict[str, Any]]
    commits: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    bookmarks: list[dict[str, Any]]
    conflicts: dict[tuple[CommitId, str], tuple[ChangeId, int]]
    gone_commits: frozenset[CommitId]
    gone_changes: frozenset[ChangeId]
    gone_operations: set[OperationId]

    def write(self, session: Session, path: Path, now: datetime) -> JjSyncResult:
        """Write it; the caller's transaction holds the lock."""
        jj.delete_operations(session, self.repo_id, self.gone_operations)
        jj.write_operations(session, self.operations)
        if self.found.undone is not None:
            jj.mark_undone(session, self.repo_id, self.found.undone)
        jj.write_changes(session, self.changes, self.commits)
        jj.delete_commits(session, self.repo_id, self.gone_commits, self.gone_changes)
        self._write_conflicts(session, now)
        bookmarks = jj.replace_bookmarks(session, self.repo_id, self.bookmarks)
        self._write_state(session, path, now)
        return JjSyncResult(
            is_full=self.found.is_full,
            operations=len(self.operations),
            changes=len(self.changes),
            bookmarks=bookmarks,
            removed_commits=len(self.gone_commits),
            removed_operations=len(self.gone_operations),
        )

    def _write_state(self, session: Session, path: Path, now: datetime) -> None:
        state = {
            "repo_id": self.repo_id,
            "path": str(path),
            "op_heads": list(self.found.repository.op_heads),
            "synced_at": now,
            "failures": 0,
            "error": None,
            "is_watched": True,
        }
        jj.save_state(session, state)

    def _write_conflicts(self, session: Session, now: datetime) -> None:
        new = dict(self.conflicts)
        still = {(change_id, path) for (_, path), (change_id, _) in new.items()}
        change_ids = {row["change_id"] for row in self.changes}
        for row in jj.list_conflicts(session, self.repo_id, change_ids):
            if new.pop((row.commit_id, row.file_path), None) is not None:
                row.resolved, row.resolved_at = False, None
            elif (row.change_id, row.file_path) in still:
                # The same conflict, in the commit that took the place of this one.
                session.delete(row)
            elif not row.resolved:
                row.resolved, row.resolved_at = True, now
        for (commit_id, path), (change_id, sides) in new.items():
            conflict = Conflict(
                repo_id=self.repo_id,
                change_id=change_id,
                commit_id=commit_id,
                file_path=path,
                sides=sides,
                created_at=now,
            )
            session.add(conflict)


def _immutable(repository: JjRepository, commit_ids: Iterable[CommitId]) -> frozenset[CommitId]:
    wanted = frozenset(commit_ids)
    heads = [
        head
        for head in immutable_heads(repository.commits, repository.view)
        if repository.commits.find(head) is not None
    ]
    read = repository.commits.read_node
    return wanted - find_difference(wanted, heads, read, skew_ms=COMMIT_SKEW_MS)
