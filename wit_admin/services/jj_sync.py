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
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.jj import JjSyncState
from wit_admin.db.queries import jj
from wit_admin.errors import BusyError
from wit_admin.jj.commit_store import COMMIT_SKEW_MS
from wit_admin.jj.graph import find_difference
from wit_admin.jj.ids import ChangeId, CommitId, OperationId
from wit_admin.jj.repository import JjRepository, read_repository
from wit_admin.jj.visibility import immutable_heads
from wit_admin.services import jj_rows
from wit_admin.services.jj_options import JjSyncOptions, SyncedState
from wit_admin.services.jj_survey import Survey, survey
from wit_admin.services.jj_writing import JjSyncResult, JjWriting

__all__ = ["JjSyncOptions", "JjSyncResult", "sync_repository"]

_ATTEMPTS = 5
_ALL = JjSyncOptions()


def sync_repository(  # noqa: PLR0913  all but four have defaults or are named
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    path: Path,
    *,
    root: Path | None = None,
    now: datetime,
    options: JjSyncOptions = _ALL,
) -> JjSyncResult:
    """Bring the rows up to the present state of the repository at ``path``.

    Again without anything new it writes nothing. Costs what happened since the last time, or all
    there is where ``options`` want more than they did then.

    Raises:
        JjError: The repository cannot be read; the rows stay as they are.
        BusyError: Others synced it each time we were about to.
    """
    for _ in range(_ATTEMPTS):
        with sessions() as session:
            before = _to_state(jj.find_state(session, repo_id))

        def work(repository: JjRepository, before: SyncedState = before) -> JjWriting | None:
            is_enough = before.holds(options)
            if is_enough and before.op_heads == repository.op_heads:
                return None
            found = survey(repository, before.op_heads if is_enough else ())
            return _prepare(sessions, repo_id, found, options)

        writing = read_repository(path, work, root=root)
        if writing is None:
            return JjSyncResult()
        with sessions.begin() as session:
            state = jj.lock_state(session, repo_id, path=str(path))
            if _to_state(state) == before:
                result = writing.write(session, now)
                writing.update(state, path, before, now)
                return result
    raise BusyError(f"The jj repository at {path} is being synced by others all the time.")


def _to_state(row: JjSyncState | None) -> SyncedState:
    if row is None:
        return SyncedState()
    return SyncedState(tuple(row.op_heads), frozenset(row.kinds), row.depth, row.synced_at)


def _prepare(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, found: Survey, options: JjSyncOptions
) -> JjWriting:
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
    return JjWriting(
        repo_id=repo_id,
        found=found,
        options=options,
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


def _immutable(repository: JjRepository, commit_ids: Iterable[CommitId]) -> frozenset[CommitId]:
    wanted = frozenset(commit_ids)
    heads = [
        head
        for head in immutable_heads(repository.commits, repository.view)
        if repository.commits.find(head) is not None
    ]
    read = repository.commits.read_node
    return wanted - find_difference(wanted, heads, read, skew_ms=COMMIT_SKEW_MS)
