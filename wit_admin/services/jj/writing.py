"""Holds what one sync writes of a jj repository, and writes it in the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sized
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from wit_admin.db.base import new_id
from wit_admin.db.bulk import FEW_ROWS
from wit_admin.db.connections import pipelined
from wit_admin.db.queries import (
    jj_bookmarks,
    jj_commits,
    jj_conflicts,
    jj_operations,
    jj_state,
)
from wit_admin.db.queries.jj_bookmarks import BookmarkMoves, BookmarkValues
from wit_admin.db.queries.jj_commits import ChangeValues, CommitValues
from wit_admin.jj.ids import ChangeId, CommitId, OperationId
from wit_admin.services.jj.moves import Moved
from wit_admin.services.jj.options import JjKind, SyncedState
from wit_admin.services.jj.rows import BookmarkKey
from wit_admin.services.jj.standing import Everything, Groups, Standing, group
from wit_admin.services.jj.survey import LogMoves


@dataclass(frozen=True, slots=True)
class JjSyncResult:
    """The counts of what one sync wrote."""

    is_full: bool = False
    """Whether everything was read: at the first sync, or if the old state was of no use."""
    operations: int = 0
    changes: int = 0
    bookmarks: int = 0
    removed_commits: int = 0
    removed_operations: int = 0


@dataclass(frozen=True, slots=True)
class CommitRows:
    """The changes and commits to write, and those to delete."""

    groups: Groups = field(default_factory=dict)
    """The changes to write."""
    standings: Mapping[CommitId, Standing] = field(default_factory=dict)
    """The commits to write."""
    gone_commits: frozenset[CommitId] = frozenset()
    gone_changes: frozenset[ChangeId] = frozenset()

    @classmethod
    def of_moved(cls, moved: Moved, siblings: Mapping[CommitId, Standing]) -> CommitRows:
        """Return the rows to write after moves; ``siblings`` are other commits of the changes."""
        carried = {**moved.before, **siblings, **moved.standings}
        groups = group(
            (commit_id, standing)
            for commit_id, standing in carried.items()
            if standing.change_id in moved.regrouped and commit_id not in moved.gone
        )
        return cls(groups, moved.standings, frozenset(moved.gone), moved.regrouped - groups.keys())

    @classmethod
    def of_everything(cls, found: Everything, rows: Mapping[CommitId, ChangeId]) -> CommitRows:
        """Return the rows to write after a full sync; others of ``rows`` are deleted."""
        groups = group(found.standings.items())
        gone_changes = frozenset(rows.values()) - groups.keys()
        gone_commits = frozenset(rows) - found.standings.keys()
        return cls(groups, found.standings, gone_commits, gone_changes)


@dataclass(frozen=True, slots=True)
class JjWriting:
    """Everything that one transaction has to write."""

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
    """The change and number of sides of each conflicted path in these changes."""
    bookmarks: list[BookmarkValues]
    touched_bookmarks: frozenset[BookmarkKey] | None
    """The bookmarks that may have changed; ``None`` for all."""
    default_bookmark: str | None

    def write(
        self, connection: Connection, path: Path, before: SyncedState, now: datetime
    ) -> JjSyncResult:
        """Write the rows and the state that they show; the caller's transaction holds the lock.

        Small numbers of rows are sent without waiting for each statement, so statements whose
        results are needed come first.
        """
        conflicts, bookmarks = _ConflictMoves(), BookmarkMoves((), ())
        if JjKind.CONFLICTS in self.kinds:
            conflicts = self._compare_conflicts(connection)
        if JjKind.BOOKMARKS in self.kinds:
            bookmarks = jj_bookmarks.compare_bookmarks(
                connection, self.repo_id, self.bookmarks, self.touched_bookmarks
            )
        undone, redone = self._compare_undone(connection)
        are_new = self.is_full and not jj_commits.has_changes(connection, self.repo_id)
        many = (self.operations, self.changes, self.commits, bookmarks)
        rows: tuple[Sized, ...] = (*many, conflicts.new)
        are_few = all(len(each) < FEW_ROWS for each in rows)
        with pipelined(connection) if are_few else nullcontext():
            if JjKind.OPERATIONS in self.kinds:
                jj_operations.delete_operations(connection, self.repo_id, self.log.gone)
                jj_operations.write_operations(connection, self.operations)
                jj_operations.mark_operations(connection, self.repo_id, undone, is_undone=True)
                jj_operations.mark_operations(connection, self.repo_id, redone, is_undone=False)
            if JjKind.CHANGES in self.kinds:
                jj_commits.write_changes(
                    connection, self.repo_id, self.changes, self.commits, are_new=are_new
                )
                jj_commits.delete_commits(
                    connection, self.repo_id, self.gone_commits, self.gone_changes
                )
            if JjKind.CONFLICTS in self.kinds:
                self._write_conflicts(connection, conflicts, now)
            if JjKind.BOOKMARKS in self.kinds:
                jj_bookmarks.write_bookmarks(connection, self.repo_id, bookmarks)
                jj_bookmarks.mark_default(connection, self.repo_id, self.default_bookmark)
            jj_state.save(connection, self.repo_id, self._state(path, before, now))
        return JjSyncResult(
            is_full=self.is_full,
            operations=len(self.operations),
            changes=len(self.changes),
            bookmarks=len(bookmarks),
            removed_commits=len(self.gone_commits),
            removed_operations=len(self.log.gone),
        )

    def _state(self, path: Path, before: SyncedState, now: datetime) -> dict[str, Any]:
        still = before.kinds if before.op_heads == self.op_heads else frozenset()
        return {
            "path": str(path),
            "op_heads": list(self.op_heads),
            "kinds": sorted(self.kinds | still),
            "depth": self.depth,
            "synced_at": now,
            "failures": 0,
            "error": None,
        }

    def _compare_undone(self, connection: Connection) -> tuple[frozenset[str], frozenset[str]]:
        """Return which operations to mark as undone, and which to unmark."""
        if JjKind.OPERATIONS not in self.kinds:
            return frozenset(), frozenset()
        undone, redone = self.log.undone, self.log.redone
        if self.log.is_anew:
            marked = jj_operations.list_undone(connection, self.repo_id)
            undone, redone = undone - marked, frozenset(marked) - undone
        return undone - {operation.id for operation in self.log.added}, redone

    def _compare_conflicts(self, connection: Connection) -> _ConflictMoves:
        moves = _ConflictMoves(new=dict(self.conflicts))
        if not self.conflicts and not self.is_full:
            # All open conflicts are gone; there is no need to read them.
            return moves
        still = {(change_id, path) for (_, path), (change_id, _) in self.conflicts.items()}
        change_ids = None if self.is_full else {row.change_id for row in self.changes}
        for row in jj_conflicts.list_known_conflicts(connection, self.repo_id, change_ids):
            if moves.new.pop((row.commit_id, row.file_path), None) is not None:
                if row.resolved:
                    moves.opened.append(row.id)
            elif (row.change_id, row.file_path) in still:
                # The same conflict, in the commit that replaced this one.
                moves.replaced.append(row.id)
            elif not row.resolved:
                moves.resolved.append(row.id)
        return moves

    def _write_conflicts(
        self, connection: Connection, moves: _ConflictMoves, now: datetime
    ) -> None:
        if not self.conflicts and not self.is_full:
            changes = [row.change_id for row in self.changes]
            jj_conflicts.resolve_conflicts(connection, self.repo_id, changes, now)
        jj_conflicts.delete_conflicts(connection, moves.replaced)
        jj_conflicts.mark_conflicts(connection, moves.opened, resolved_at=None)
        jj_conflicts.mark_conflicts(connection, moves.resolved, resolved_at=now)
        rows = [
            {
                "id": new_id(),
                "repo_id": self.repo_id,
                "change_id": change_id,
                "commit_id": commit_id,
                "file_path": path,
                "sides": sides,
                "resolved": False,
                "created_at": now,
            }
            for (commit_id, path), (change_id, sides) in moves.new.items()
        ]
        jj_conflicts.add_conflicts(connection, rows)


@dataclass(slots=True)
class _ConflictMoves:
    """The changes in the rows of conflicts, and which conflicts are new."""

    new: dict[tuple[CommitId, str], tuple[ChangeId, int]] = field(default_factory=dict)
    opened: list[uuid.UUID] = field(default_factory=list)
    resolved: list[uuid.UUID] = field(default_factory=list)
    replaced: list[uuid.UUID] = field(default_factory=list)
