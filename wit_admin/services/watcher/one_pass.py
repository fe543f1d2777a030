"""Syncs all watched repositories once: for cron jobs, and where no watcher runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import watching
from wit_admin.db.queries.watching import Watchable
from wit_admin.errors import BatchError, JjError, UnavailableError
from wit_admin.services.jj.options import JjSyncOptions
from wit_admin.services.jj.places import find_jj_workspace, has_moved_on
from wit_admin.services.repositories.root_presence import RootPresence
from wit_admin.services.watcher.recorded_sync import JjReader, SyncReport, Target

_ALL = JjSyncOptions()


def sync_all(
    sessions: sessionmaker[Session],
    root: Path,
    *,
    options: JjSyncOptions = _ALL,
    workers: int = 1,
) -> Iterator[SyncReport]:
    """Sync the repositories that have changed since the last time; yield a report for each.

    They come sorted by name. If one cannot be read, the others are synced nevertheless.

    Raises:
        UnavailableError: The disk of some repositories is gone.
    """
    with sessions() as session:
        rows = [row for row in watching.iter_watchable(session) if row.is_watched is not False]
    if any(row.op_heads for row in rows) and not RootPresence(root).look():
        raise UnavailableError(
            f"{root} is gone or empty, and repositories were there.",
            hint="See whether its disk is mounted.",
        )
    due = [target for row in rows if (target := _find_due(root, row))]
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(JjReader(sessions, root, options).try_sync, due)


def raise_for_failed_repositories(reports: Sequence[SyncReport]) -> None:
    """Raise an error if a repository was not synced.

    Raises:
        BatchError: Some repositories failed; the others are synced.
    """
    failed = [report for report in reports if report.is_failure]
    if failed:
        failures = [(report.repository, report.error) for report in failed]
        raise BatchError.of(failures, len(reports), "repositories", hint=failed[0].hint)


def _find_due(root: Path, row: Watchable) -> Target | None:
    path = find_jj_workspace(root, row.disk_path)
    if path is None:
        return None
    target = Target(row.id, f"{row.owner}/{row.name}", path, row.failures or 0)
    try:
        is_due = target.failures or has_moved_on(path, row.op_heads or [], root=root)
    except JjError:
        # The sync will report and record what is wrong.
        is_due = True
    return target if is_due else None
