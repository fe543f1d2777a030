"""Lists the watched jj repositories for operators, and lets them choose which are watched."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import watching
from wit_admin.db.queries.watching import Watchable
from wit_admin.errors import NoJjRepositoryError
from wit_admin.names import RepoName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.jj.options import JjSyncOptions
from wit_admin.services.jj.places import find_jj_workspace
from wit_admin.services.lookups import get_repository_id
from wit_admin.services.watcher.claims import count_watchers
from wit_admin.services.watcher.recorded_sync import JjReader, SyncReport, Target

_ALL = JjSyncOptions()


@dataclass(frozen=True, slots=True)
class WatchedRepository:
    """A repository in which jj is used, or was used."""

    id: uuid.UUID
    owner: str
    name: str
    path: Path | None
    """The jj workspace; ``None`` if it is gone."""
    is_watched: bool
    synced_at: datetime | None
    failures: int
    """The number of failed syncs in a row."""
    error: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """Counts of watched repositories."""

    running: bool
    """Whether a watcher runs, on any host."""
    watchers: int
    watched: int
    ignored: int
    """How many repositories operators have excluded."""
    failing: int


def list_watched(sessions: sessionmaker[Session], root: Path) -> list[WatchedRepository]:
    """Return all watched and all excluded repositories, sorted by owner and name."""
    with sessions() as session:
        rows = list(watching.iter_watchable(session))
    found = ((row, find_jj_workspace(root, row.disk_path)) for row in rows)
    return [
        WatchedRepository(
            row.id,
            row.owner,
            row.name,
            path,
            is_watched=row.is_watched is not False,
            synced_at=row.synced_at,
            failures=row.failures or 0,
            error=row.error if row.failures else None,
            next_attempt_at=row.next_attempt_at if row.failures else None,
        )
        for row, path in found
        if path is not None or row.is_watched is not None
    ]


def watch_status(sessions: sessionmaker[Session], root: Path, run_dir: Path) -> WatchStatus:
    """Count the watched repositories and the processes that watch them."""
    rows = list_watched(sessions, root)
    watchers = count_watchers(sessions, run_dir)
    watched = [row for row in rows if row.is_watched and row.path is not None]
    return WatchStatus(
        running=watchers > 0,
        watchers=watchers,
        watched=len(watched),
        ignored=sum(not row.is_watched for row in rows),
        failing=sum(row.failures > 0 for row in watched),
    )


def add_watch(
    sessions: sessionmaker[Session], root: Path, name: RepoName, *, by: Origin = SYSTEM
) -> bool:
    """Watch an excluded repository again; return whether anything changed.

    A running watcher begins within seconds.

    Raises:
        NotFoundError: There is no such repository.
        NoJjRepositoryError: jj was never used in it.
    """
    path = _find_workspace(root, _find(sessions, name))
    return _set_watched(sessions, name, path, is_watched=True, by=by)


def remove_watch(
    sessions: sessionmaker[Session], root: Path, name: RepoName, *, by: Origin = SYSTEM
) -> bool:
    """Exclude a repository from watching; its rows stay. Return whether anything changed.

    Raises:
        NotFoundError: There is no such repository.
    """
    row = _find(sessions, name)
    path = find_jj_workspace(root, row.disk_path) or root / row.disk_path
    return _set_watched(sessions, name, path, is_watched=False, by=by)


def sync_now(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    *,
    options: JjSyncOptions = _ALL,
    by: Origin = SYSTEM,
) -> SyncReport:
    """Sync one repository now, whether it is watched or not, and record it in the audit trail.

    Raises:
        NotFoundError: There is no such repository.
        JjError: It has no jj repository, or one that cannot be read; the rows stay as they are,
            and the failure is recorded.
        BusyError: Other processes kept syncing it.
    """
    row = _find(sessions, name)
    target = Target(
        row.id, f"{row.owner}/{row.name}", _find_workspace(root, row), row.failures or 0
    )
    report = JjReader(sessions, root, options).sync(target)
    if report.state == "synced":
        facts = {"operations": report.operations, "changes": report.changes}
        event = Event("watch.sync", "repository", row.id, target.name, after=facts)
        with sessions.begin() as session:
            record(session, event, by=by)
    return report


def _find_workspace(root: Path, row: Watchable) -> Path:
    path = find_jj_workspace(root, row.disk_path)
    if path is None:
        beside = row.disk_path.removesuffix(".git")
        raise NoJjRepositoryError(
            f"{row.owner}/{row.name} has no jj repository.",
            hint=f"One is looked for in {row.disk_path} and {beside} below {root}.",
        )
    return path


def _set_watched(
    sessions: sessionmaker[Session], name: RepoName, path: Path, *, is_watched: bool, by: Origin
) -> bool:
    with sessions.begin() as session:
        repo_id = get_repository_id(session, name)
        is_news = watching.set_watched(session, repo_id, is_watched=is_watched, path=str(path))
        if is_news:
            verb = "add" if is_watched else "remove"
            was, is_now = {"is_watched": not is_watched}, {"is_watched": is_watched}
            event = Event(f"watch.{verb}", "repository", repo_id, str(name), was, is_now)
            record(session, event, by=by)
    return is_news


def _find(sessions: sessionmaker[Session], name: RepoName) -> Watchable:
    with sessions() as session:
        (row,) = watching.list_watchable(session, [get_repository_id(session, name)])
    return row
