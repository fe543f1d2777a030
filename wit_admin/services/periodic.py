"""The registry of periodic jobs, and how they are run.

A part of the product with periodic work adds a job to :data:`JOBS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.repositories import Visibility
from wit_admin.errors import BatchError, BusyError, InvalidInputError, WitError
from wit_admin.services import housekeeping
from wit_admin.services.audit.trail import SYSTEM, Origin
from wit_admin.services.jj.options import JjSyncOptions
from wit_admin.services.locks import Lock
from wit_admin.services.plans import Action, Plan, Remark, Task
from wit_admin.services.pushes.flow import PushFlow
from wit_admin.services.repositories.maintenance import Maintenance
from wit_admin.services.repositories.plans import RepositoryPlans
from wit_admin.services.sync.repo_sync import RepoSync
from wit_admin.services.sync.survey import SyncOptions


@dataclass(frozen=True, slots=True)
class JobContext:
    """What jobs work with, and how long they keep ended records."""

    sessions: sessionmaker[Session]
    root: Path
    run_dir: Path
    pushes: PushFlow
    maintenance: Maintenance
    visibility: Visibility
    """The visibility of adopted repositories whose config does not name one."""
    trash_age: timedelta
    records_age: timedelta
    jj_options: JjSyncOptions
    by: Origin = SYSTEM

    @property
    def lock(self) -> Lock:
        """The lock that the caller holds while jobs run."""
        return Lock(self.sessions, self.run_dir, "sync")


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of periodic work."""

    name: str
    summary: str
    """What it does, as a list shows it."""
    run: Callable[[JobContext], dict[str, int]]
    """Does what is due; returns what was done, as counts by kind. Raises an error if it failed."""
    plan: Callable[[JobContext], Plan[Any]] | None = None
    """Returns what it would do, for jobs that know beforehand."""
    removes: bool = False
    """Whether it removes things for good, so that a person at the terminal is asked first."""


@dataclass(frozen=True, slots=True)
class JobReport:
    """The result of one job."""

    name: str
    state: str
    """``done``, ``failed``, or ``busy`` if another process was doing it."""
    seconds: float
    counts: dict[str, int]
    """What was done, as counts by kind, without zeros."""
    error: str | None = None


def choose_jobs(names: Sequence[str]) -> tuple[Job, ...]:
    """Return the jobs of these names in their order here; all when none is named.

    Raises:
        InvalidInputError: There is no such job.
    """
    known = [job.name for job in JOBS]
    for name in names:
        if name not in known:
            raise InvalidInputError(
                f"There is no job {name!r}.", hint=f"Jobs are {', '.join(known)}."
            )
    return tuple(job for job in JOBS if not names or job.name in names)


def run_jobs(context: JobContext, jobs: Sequence[Job]) -> Iterator[JobReport]:
    """Run the jobs one by one, and yield a report for each; the caller holds the lock.

    If a job fails, the others still run.
    """
    for job in jobs:
        started = time.monotonic()
        state, error, counts = "done", None, {}
        try:
            counts = job.run(context)
        except BusyError as busy:
            state, error = "busy", busy.message
        except WitError as failure:
            state, error = "failed", failure.message
        except OSError as failure:
            state, error = "failed", f"{failure.filename}: {failure.strerror}."
        done = {what: count for what, count in counts.items() if count}
        yield JobReport(job.name, state, round(time.monotonic() - started, 3), done, error)


def plan_jobs(context: JobContext, jobs: Sequence[Job]) -> Plan[Any]:
    """Return what the jobs would do now; for jobs that do not know, their summary."""
    actions, remarks = list[Action](), list[Remark]()
    for job in jobs:
        if job.plan is None:
            remarks.append(Remark("job", job.name, f"It runs too, to {job.summary}."))
            continue
        try:
            plan = job.plan(context).whole()
        except WitError as failure:
            remarks.append(Remark("failed", job.name, failure.message, is_failure=True))
            continue
        actions += plan.actions
        remarks += plan.remarks
    return Plan(tuple(actions), tuple(remarks))


def _repo_sync(at: JobContext) -> Task[Any]:
    return RepoSync(at.sessions, at.root, SyncOptions(at.visibility), at.by).task(at.run_dir)


def _trash(at: JobContext) -> Task[Any]:
    plans = RepositoryPlans(at.sessions, at.root, at.run_dir, at.by)
    return plans.emptying(older_than=at.trash_age)


def _sync_repos(at: JobContext) -> dict[str, int]:
    return _repo_sync(at).run()


def _settle_journal(at: JobContext) -> dict[str, int]:
    replayed = at.pushes.replay()
    pruned = housekeeping.prune_journal(at.sessions, older_than=at.records_age, by=at.by)
    return {"settled": replayed.settled, "left": replayed.left, "pruned": pruned}


def _index_changes(at: JobContext) -> dict[str, int]:
    commits, index = 0, at.pushes.index
    index.find()
    while index.has_waiting:
        commits += index.index_next()
    return {"commits": commits}


def _watch(at: JobContext) -> dict[str, int]:
    # The jj reader takes long to import, and other jobs do not need it.
    from wit_admin.services.watcher import one_pass  # noqa: PLC0415  see above

    reports = list(one_pass.sync_all(at.sessions, at.root, options=at.jj_options))
    one_pass.raise_for_failed_repositories(reports)
    return {"synced": sum(report.state == "synced" for report in reports)}


def _expire(at: JobContext) -> dict[str, int]:
    return housekeeping.purge_ended(at.sessions, older_than=at.records_age, by=at.by)


def _empty_trash(at: JobContext) -> dict[str, int]:
    return _trash(at).run()


def _pack(at: JobContext) -> dict[str, int]:
    return at.maintenance.task().run()


def _recount(at: JobContext) -> dict[str, int]:
    return {"mended": housekeeping.recount(at.sessions, by=at.by)}


def _sweep(at: JobContext) -> dict[str, int]:
    return {
        "folders": housekeeping.sweep_leftovers(at.root),
        "locks": housekeeping.sweep_locks(at.root),
    }


JOBS = (
    Job("journal", "settle pushes whose server died, forget old entries", _settle_journal),
    Job(
        "sync-repos",
        "make the database and the folder of repositories agree",
        _sync_repos,
        lambda at: _repo_sync(at).build(),
    ),
    Job("changes", "find the versions of changes among pushed commits", _index_changes),
    Job("watch", "read what jj did in repositories that no watcher saw", _watch),
    Job("expiry", "delete sessions and tokens that ended long ago", _expire),
    Job(
        "trash",
        "remove for good what was deleted long ago",
        _empty_trash,
        lambda at: _trash(at).build(),
        removes=True,
    ),
    Job(
        "gc",
        "pack the repositories that need it",
        _pack,
        lambda at: at.maintenance.task().build(),
    ),
    Job("counters", "set cached counters right", _recount),
    Job("leftovers", "remove what killed processes left in repositories", _sweep),
)
"""All jobs in the order in which they run; the journal first, as it knows what pushes changed."""


def raise_for_failed_jobs(reports: Sequence[JobReport]) -> None:
    """Raise an error if a job failed.

    Raises:
        BatchError: Some jobs failed; the others are done.
    """
    failures = [(report.name, report.error) for report in reports if report.state == "failed"]
    if failures:
        hint = "The others are done. Failed jobs run again the next time."
        raise BatchError.of(failures, len(reports), "jobs", hint=hint)
