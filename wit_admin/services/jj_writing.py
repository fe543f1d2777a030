"""What one sync is to write of a jj repository, and the transaction's part of writing it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from wit_admin.db.models.jj import Conflict, JjSyncState
from wit_admin.db.queries import jj
from wit_admin.db.queries.jj import BookmarkValues, ChangeValues, CommitValues
from wit_admin.jj.ids import ChangeId, CommitId, OperationId
from wit_admin.services.jj_moves import Moved
from wit_admin.services.jj_options import JjKind, SyncedState
from wit_admin.services.jj_rows import BookmarkKey
from wit_admin.services.jj_standing import Everything, Groups, Standing, group
from wit_admin.services.jj_survey import LogMoves


@dataclass(frozen=True, slots=True)
class JjSyncResult:
    """What one sync wrote."""

    is_full: bool = False
    """Nothing was known before, or the old state was gone, or more is wanted now."""
    operations: int = 0
    changes: int = 0
    bookmarks: int = 0
    removed_commits: int = 0
    removed_operations: int = 0


@dataclass(frozen=True, slots=True)
class CommitRows:
    """Which changes and commits are to be written, and which are to go."""

    groups: Groups = field(default_factory=dict)
    """The changes to write."""
    standings: Mapping[CommitId, Standing] = field(default_factory=dict)
    """The commits to write."""
    gone_commits: frozenset[CommitId] = frozenset()
    gone_changes: frozenset[ChangeId] = frozenset()

    @classmethod
    def of_moved(cls, moved: Moved, siblings: Mapping[CommitId, Standing]) -> CommitRows:
        """Return what follows from moves; ``siblings`` are in the rows of the changes touched."""
        carried = {**siblings, **moved.standings}
        groups = group(
            (commit_id, standing)
            for commit_id, standing in carried.items()
            if standing.change_id in moved.regrouped and commit_id not in moved.gone
        )
        return cls(groups, moved.standings, frozenset(moved.gone), moved.regrouped - groups.keys())

    @classmethod
    def of_everything(cls, found: Everything, rows: Mapping[CommitId, ChangeId]) -> CommitRows:
        """Return all that was found; of ``rows`` only that shall stay."""
        groups = group(found.standings.items())
        gone_changes = frozenset(rows.values()) - groups.keys()
        gone_commits = frozenset(rows) - found.standings.keys()
        return cls(groups, found.standings, gone_commits, gone_changes)


@dataclass(frozen=True, slots=True)
class JjWriting:
    """All that one transaction is to write, ready."""

    repo_id: uuid.UUID
    kinds: frozenset[JjKind]
    op_heads: tuple[OperationId, ...]
    is_full: bool
    depth: int | None
    operations: list[dict[str, Any]]
    log: LogMoves
    changes: list[ChangeValues]
    commits: list[CommitValues]
    gone_commits: frozenset[CommitId]
    gone_changes: frozenset[ChangeId]
    conflicts: dict[tuple[CommitId, str], tuple[ChangeId, int]]
    """Change and number of sides of each conflicted path in these changes."""
    bookmarks: list[BookmarkValues]
    touched_bookmarks: frozenset[BookmarkKey] | None
    """Those that may have changed; ``None`` is all."""
    default_bookmark: str | None

    def write(self, session: Session, now: datetime) -> JjSyncResult:
        """Write it; the caller's transaction holds the lock."""
        if JjKind.OPERATIONS in self.kinds:
            self._write_operations(session)
        if JjKind.CHANGES in self.kinds:
            jj.write_changes(session, self.repo_id, self.changes, self.commits)
            jj.delete_commits(session, self.repo_id, self.gone_commits, self.gone_changes)
        if JjKind.CONFLICTS in self.kinds:
            self._write_conflicts(session, now)
        bookmarks = 0
        if JjKind.BOOKMARKS in self.kinds:
            bookmarks = jj.replace_bookmarks(
                session, self.repo_id, self.bookmarks, self.touched_bookmarks
            )
            jj.mark_default(session, self.repo_id, self.default_bookmark)
        return JjSyncResult(
            is_full=self.is_full,
            operations=len(self.operations),
            changes=len(self.changes),
            bookmarks=bookmarks,
            removed_commits=len(self.gone_commits),
            removed_operations=len(self.log.gone),
        )

    def update(self, row: JjSyncState, path: Path, before: SyncedState, now: datetime) -> None:
        """Note of which state the rows are now."""
        still = before.kinds if before.op_heads == self.op_heads else frozenset()
        row.path = str(path)
        row.op_heads = list(self.op_heads)
        row.kinds = sorted(self.kinds | still)
        row.depth = self.depth
        row.synced_at, row.failures, row.error = now, 0, None

    def _write_operations(self, session: Session) -> None:
        jj.delete_operations(session, self.repo_id, self.log.gone)
        jj.write_operations(session, self.operations)
        undone, redone = self.log.undone, self.log.redone
        if self.log.is_anew:
            marked = jj.list_undone(session, self.repo_id)
            undone, redone = undone - marked, frozenset(marked) - undone
        written = {operation.id for operation in self.log.added}
        jj.mark_operations(session, self.repo_id, undone - written, is_undone=True)
        jj.mark_operations(session, self.repo_id, redone, is_undone=False)

    def _write_conflicts(self, session: Session, now: datetime) -> None:
        new = dict(self.conflicts)
        still = {(change_id, path) for (_, path), (change_id, _) in new.items()}
        change_ids = None if self.is_full else {row.change_id for row in self.changes}
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
