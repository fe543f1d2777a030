"""What one sync is to write of a jj repository, and the transaction's part of writing it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from wit_admin.db.models.jj import Conflict, JjSyncState
from wit_admin.db.queries import jj
from wit_admin.jj.ids import ChangeId, CommitId, OperationId
from wit_admin.services.jj_options import JjKind, JjSyncOptions, SyncedState
from wit_admin.services.jj_survey import Survey


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


@dataclass(frozen=True, slots=True)
class JjWriting:
    """All that one transaction is to write, ready."""

    repo_id: uuid.UUID
    found: Survey
    options: JjSyncOptions
    changes: list[dict[str, Any]]
    commits: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    bookmarks: list[dict[str, Any]]
    conflicts: dict[tuple[CommitId, str], tuple[ChangeId, int]]
    gone_commits: frozenset[CommitId]
    gone_changes: frozenset[ChangeId]
    gone_operations: set[OperationId]

    def write(self, session: Session, now: datetime) -> JjSyncResult:
        """Write it; the caller's transaction holds the lock."""
        kinds = self.options.kinds
        if JjKind.OPERATIONS in kinds:
            jj.delete_operations(session, self.repo_id, self.gone_operations)
            jj.write_operations(session, self.operations)
            if self.found.undone is not None:
                jj.mark_undone(session, self.repo_id, self.found.undone)
        if JjKind.CHANGES in kinds:
            jj.write_changes(session, self.changes, self.commits)
            jj.delete_commits(session, self.repo_id, self.gone_commits, self.gone_changes)
        if JjKind.CONFLICTS in kinds:
            self._write_conflicts(session, now)
        bookmarks = 0
        if JjKind.BOOKMARKS in kinds:
            bookmarks = jj.replace_bookmarks(session, self.repo_id, self.bookmarks)
        return JjSyncResult(
            is_full=self.found.is_full,
            operations=len(self.operations),
            changes=len(self.changes),
            bookmarks=bookmarks,
            removed_commits=len(self.gone_commits),
            removed_operations=len(self.gone_operations),
        )

    def update(self, row: JjSyncState, path: Path, before: SyncedState, now: datetime) -> None:
        """Note of which state the rows are now."""
        heads = self.found.repository.op_heads
        still = before.kinds if before.op_heads == heads else frozenset()
        row.path = str(path)
        row.op_heads = list(heads)
        row.kinds = sorted(self.options.kinds | still)
        row.synced_at, row.failures, row.error = now, 0, None

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
