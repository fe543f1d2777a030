"""Begins the syncs that are ready, and processes their results."""

from __future__ import annotations

import dataclasses
import functools
import logging

from wit_admin.errors import UnavailableError
from wit_admin.log import fields
from wit_admin.services.watcher.claims import shard_of
from wit_admin.services.watcher.complaints import Complaints
from wit_admin.services.watcher.detector import Detector
from wit_admin.services.watcher.lease import Lease, guarded
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.pool import Pool
from wit_admin.services.watcher.recorded_sync import JjReader, SyncReport, Target
from wit_admin.services.watcher.schedule import Schedule
from wit_admin.services.watcher.watch_list import Watched, WatchList

log = logging.getLogger(__name__)


class Syncs:
    """Runs a bounded number of syncs at the same time."""

    def __init__(  # noqa: PLR0913  the parts of a watcher that it works with
        self,
        reader: JjReader,
        watch_list: WatchList,
        schedule: Schedule[Watched],
        detector: Detector,
        observer: Observer,
        *,
        lease: Lease,
        threads: int,
    ) -> None:
        self._reader = dataclasses.replace(reader, sessions=guarded(reader.sessions))
        self._watch_list = watch_list
        self._schedule = schedule
        self._detector = detector
        self._observer = observer
        self._lease = lease
        self._complaints = Complaints()
        self.pool = Pool[Watched, SyncReport](threads, "watch-sync")

    def busy_shards(self) -> set[int]:
        """Return the shards in which a sync is running."""
        return {shard_of(entry.id) for entry in self.pool.running}

    def begin(self, now: float) -> None:
        """Begin as many syncs as there is room for."""
        if not self._lease.may_begin() or self._detector.is_gone:
            return
        for entry, failures in self._schedule.take_syncs(self.pool.room):
            if failures and not self._watch_list.locate(entry):
                self._schedule.forget(entry)
                continue
            # A folder that was replaced may have been away when the watch on it ended.
            self._watch_list.ensure_watch(entry)
            entry.heads = self._detector.digest(entry)
            if not entry.heads and not self._detector.is_root_there(now):
                # The whole disk is gone; this does not count as a failure of the repository.
                self._schedule.forget(entry)
                continue
            target = Target(entry.id, entry.name, self._watch_list.workspace_of(entry), failures)
            sync = functools.partial(self._reader.try_sync, target)
            self.pool.begin(entry, self._lease.hold(sync))

    def take_reports(self, now: float) -> UnavailableError | None:
        """Process the syncs that ended; return the error if the database was lost in one."""
        lost = None
        for entry, future in self.pool.take_done():
            try:
                report = future.result()
            except UnavailableError as error:
                self._schedule.put_back(entry)
                lost = error
                continue
            self._take_report(entry, report, now)
        return lost

    def _take_report(self, entry: Watched, report: SyncReport, now: float) -> None:
        self._schedule.finished(entry, now, is_failure=report.is_failure)
        self._observer.reported(report)
        if not report.is_failure:
            self._complaints.recovered(entry.id)
            if not entry.heads and entry in self._watch_list:
                # Its folder was not there yet when this sync began, so nothing watches it.
                self._detector.locate(entry, now)
            return
        entry.heads = 0
        if not self._detector.is_root_there(now):
            return
        if self._complaints.is_due(entry.id, report.error or "", now):
            hint = {"hint": report.hint} if report.hint else {}
            log.warning(
                "A jj repository was not synced.",
                extra=fields(repository=entry.name, reason=report.error, **hint),
            )
            self._observer.complained(report)
