"""Brings the rows of a jj repository up to date with jj's own stores.

The disk is read first, without an open transaction. Then one transaction writes changes,
bookmarks, operations, conflicts and the heads that they belong to. So readers never see a mix of
two states, and a sync that is killed leaves the old state. If two run at the same time, the second
begins again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.connections import HeldConnection
from wit_admin.db.queries import jj_commits, jj_operations, jj_state, pushed_changes
from wit_admin.db.queries.jj_state import StateRow
from wit_admin.errors import BusyError, MissingJjError
from wit_admin.garbage import relaxed_collector
from wit_admin.jj.ids import ChangeId, CommitId, OperationId
from wit_admin.jj.repository import JjRepository, read_repository
from wit_admin.jj.views import View
from wit_admin.services.jj import rows as jj_rows
from wit_admin.services.jj.moves import OutOfReachError, move
from wit_admin.services.jj.options import JjKind, JjSyncOptions, SyncedState
from wit_admin.services.jj.standing import Roots, Standing, read_everything, to_standings
from wit_admin.services.jj.survey import LogMoves, compare_logs, read_log, read_old_view
from wit_admin.services.jj.writing import CommitRows, JjSyncResult, JjWriting

__all__ = ["JjSyncOptions", "JjSyncResult", "sync_repository"]

_ATTEMPTS = 5
_ALL = JjSyncOptions()
_FEW_CHANGES = 1000
"""This number of new changes is always read, even if ``max_changes`` is smaller."""


def sync_repository(  # noqa: PLR0913  all but three are named
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    path: Path,
    *,
    root: Path | None = None,
    now: datetime,
    options: JjSyncOptions = _ALL,
) -> JjSyncResult:
    """Bring the rows up to the present state of the repository at ``path``.

    It writes nothing if nothing is new. It reads what happened since the last sync, or everything
    if ``options`` ask for more than they did then.

    Raises:
        JjError: The repository cannot be read; the rows stay as they are.
        BusyError: Each time another process synced it in between.
    """
    with HeldConnection(sessions.kw["bind"]) as held:
        for _ in range(_ATTEMPTS):
            with held.reading() as connection:
                before = _to_state(jj_state.find(connection, repo_id))
            plan = _Planner(held, repo_id, before, options)
            # A first sync makes ten objects for each commit.
            with relaxed_collector if before.synced_at is None else nullcontext():
                result = _read_and_write(plan, path, root, now)
            if result is not None:
                return result
    raise BusyError(f"The jj repository at {path} is being synced by others all the time.")


def _read_and_write(
    plan: _Planner, path: Path, root: Path | None, now: datetime
) -> JjSyncResult | None:
    """Write what is new; ``None`` if another process did so in between."""
    writing = read_repository(path, plan.make, root=root)
    if writing is None:
        return JjSyncResult()
    with plan.held.writing() as connection:
        if _to_state(jj_state.lock(connection, plan.repo_id, path=str(path))) != plan.before:
            return None
        if plan.before.synced_at is None:
            pushed_changes.give_way(connection, plan.repo_id)
        return writing.write(connection, path, plan.before, now)


def _to_state(row: StateRow | None) -> SyncedState:
    if row is None:
        return SyncedState()
    return SyncedState(tuple(row.op_heads), frozenset(row.kinds), row.depth, row.synced_at)


@dataclass(frozen=True, slots=True)
class _Planner:
    """Reads the rows that may have to change, and from disk what they must become."""

    held: HeldConnection
    repo_id: uuid.UUID
    before: SyncedState
    options: JjSyncOptions

    def make(self, repository: JjRepository) -> JjWriting | None:
        """Return what to write; ``None`` if the rows show this state already."""
        if self.before.op_heads and self.before.holds(self.options):
            if self.before.op_heads == repository.op_heads:
                return None
            try:
                return self._catch_up(repository)
            except (MissingJjError, OutOfReachError):
                # A part of the old state is missing. If it is missing now, too, _begin raises it.
                pass
        return self._begin(repository)

    def _catch_up(self, repository: JjRepository) -> JjWriting:
        """Read what happened since the last sync."""
        log, rows = LogMoves(), CommitRows()
        old_view = read_old_view(repository, self.before.op_heads)
        if JjKind.OPERATIONS in self.options.kinds:
            log = compare_logs(repository, self.before.op_heads, self._is_known)
        if JjKind.CHANGES in self.options.kinds:
            most = self.options.max_changes
            moved = move(
                repository.commits,
                self._load,
                Roots.of(old_view, repository.commits),
                Roots.of(repository.view, repository.commits),
                most_new=None if most is None else max(most, _FEW_CHANGES),
                is_cut=self.before.depth is not None,
            )
            others = moved.regrouped - moved.whole
            siblings = self._load(set(), set(others)) if others else {}
            rows = CommitRows.of_moved(moved, siblings)
        return self._finish(repository, log, rows, old_view, self.before.depth)

    def _begin(self, repository: JjRepository) -> JjWriting:
        """Read the whole repository, and find the rows that must be deleted."""
        log, rows, depth = LogMoves(), CommitRows(), None
        most = self.options.max_changes
        with self.held.reading() as connection:
            old_operations = jj_operations.list_operation_ids(connection, self.repo_id)
            old_commits = jj_commits.list_commit_ids(connection, self.repo_id)
        # This may read a million commits.
        self.held.release()
        if JjKind.OPERATIONS in self.options.kinds:
            log = read_log(repository).among(old_operations)
        if JjKind.CHANGES in self.options.kinds:
            found = read_everything(repository.commits, repository.view, max_changes=most)
            rows = CommitRows.of_everything(found, old_commits)
            depth = most if found.is_cut else None
        return self._finish(repository, log, rows, None, depth)

    def _finish(
        self,
        repository: JjRepository,
        log: LogMoves,
        rows: CommitRows,
        old_view: View | None,
        depth: int | None,
    ) -> JjWriting:
        kinds = self.options.kinds
        bookmarks, touched = jj_rows.bookmark_rows(repository, old_view)
        default = repository.find_default_bookmark()
        wants_conflicts = JjKind.CONFLICTS in kinds
        return JjWriting(
            repo_id=self.repo_id,
            kinds=kinds,
            op_heads=repository.op_heads,
            is_full=old_view is None,
            depth=depth,
            operations=[
                jj_rows.operation_row(self.repo_id, each, is_undone=each.id in log.undone)
                for each in log.added
            ],
            log=log,
            changes=jj_rows.change_rows(repository, rows.groups),
            commits=jj_rows.commit_rows(rows.standings),
            gone_commits=rows.gone_commits,
            gone_changes=rows.gone_changes,
            conflicts=jj_rows.conflicts(repository, rows.groups) if wants_conflicts else {},
            bookmarks=bookmarks,
            touched_bookmarks=touched,
            default_bookmark=jj_rows.key_text(default) if default is not None else None,
        )

    def _load(
        self, commit_ids: set[CommitId], change_ids: set[ChangeId]
    ) -> Mapping[CommitId, Standing]:
        with self.held.reading() as connection:
            rows = jj_commits.list_commits(
                connection, self.repo_id, commit_ids=commit_ids, change_ids=change_ids
            )
        return to_standings(rows)

    def _is_known(self, operation_id: OperationId) -> bool:
        with self.held.reading() as connection:
            return jj_operations.has_operation(connection, self.repo_id, operation_id)
