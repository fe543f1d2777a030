"""One pass over all watched repositories: for cron, and for those who run no watcher."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import watching
from wit_admin.db.queries.watching import Watchable
from wit_admin.errors import BatchError, JjError, UnavailableError, WitError
from wit_admin.services.jj_places import find_jj_workspace, has_moved_on
from wit_admin.services.watching import SyncReport, sync_watchable

log = logging.getLogger(__name__)


def sync_all(
    sessions: sessionmaker[Session], root: Path, *, workers: int = 1
) -> Iterator[SyncReport]:
    """Sync what has moved on since the last time, and yield what came of it, by name.

    One that cannot be read does not keep the others from being synced.
    """
    with sessions() as session:
        rows = [row for row in watching.iter_watchable(session) if row.is_watched is not False]
    due = [row for row in rows if _is_due(root, row)]
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda row: try_sync(sessions, root, row), due)


def try_sync(sessions: sessionmaker[Session], root: Path, row: Watchable) -> SyncReport:
    """Sync one repository; a failure of its own is part of what is returned.

    Raises:
        UnavailableError: The database is not there, for this one or any other.
    """
    name = f"{row.owner}/{row.name}"
    try:
        return sync_watchable(sessions, root, row)
    except UnavailableError:
        raise
    except WitError as error:
        return SyncReport(name, "failed", 0.0, error=error.message, hint=error.hint)
    except Exception:
        # Whatever one repository brings about, the others are not to suffer from it.
        log.exception("The sync of %s failed by a bug.", name)
        return SyncReport(name, "failed", 0.0, error="This is a bug in wit-admin; see the log.")


def raise_for_failures(reports: Sequence[SyncReport]) -> None:
    """Return if no repository failed.

    Raises:
        BatchError: Some did; the others are synced.
    """
    failed = [report for report in reports if report.state == "failed"]
    if failed:
        raise BatchError(
            f"{len(failed)} of {len(reports)} repositories failed, first {failed[0].repository}: "
            f"{failed[0].error}",
            hint=failed[0].hint,
        )


def _is_due(root: Path, row: Watchable) -> bool:
    path = find_jj_workspace(root, row.disk_path)
    if path is None or row.failures:
        return path is not None
    try:
        return has_moved_on(path, row.op_heads or [], root=root)
    except JjError:
        # Whoever syncs it says and writes down what is wrong.
        return True
