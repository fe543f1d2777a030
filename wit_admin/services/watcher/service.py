"""The loop of the watcher: events in, syncs out.

One thread sleeps until the kernel, a sync that ended, the database or the clock has something for
it. It lists heads, which takes microseconds; whatever takes longer is done by others: syncs by a
bounded pool, questions to the database by a thread of their own.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import select
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import JjError, UnavailableError, WitError
from wit_admin.jj.head_events import HeadEvents
from wit_admin.services.watch_claims import Claims, shard_of
from wit_admin.services.watch_sync import JjReader, SyncReport, Target
from wit_admin.services.watcher.clerk import Clerk, News, Standing, digest_of
from wit_admin.services.watcher.fleet import Entry, Fleet
from wit_admin.services.watcher.lease import Lease, guarded
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.pool import Pool
from wit_admin.services.watcher.schedule import Schedule
from wit_admin.services.watcher.sweep import Sweep

log = logging.getLogger(__name__)

_AT_ONCE = 200
"""Repositories that are taken in before the loop looks up again."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a watcher goes about it."""

    hold_back_s: float = 0.3
    """The most that a burst is held back."""
    sweep_s: float = 30.0
    """How long it takes to look at each repository once, whatever events there are."""
    workers: int = 2
    """Syncs at once."""
    ask_s: float = 2.0
    """How often the database is asked what is new, and what is ours."""


class Watcher:
    """Watches until it is told to stop."""

    def __init__(
        self,
        reader: JjReader,
        claims: Claims,
        events: HeadEvents[Entry],
        options: WatchOptions | None = None,
        observer: Observer | None = None,
    ) -> None:
        """``claims`` and ``events`` are its own from now on."""
        options = options or WatchOptions()
        self._ask_s = options.ask_s
        self._reader = dataclasses.replace(reader, sessions=guarded(reader.sessions))
        self._lease = Lease(claims.lease_s)
        self._events = events
        self._observer = observer or Observer()
        self._fleet = Fleet(reader.root, events)
        self._schedule = Schedule[Entry](options.hold_back_s)
        self._sweep = Sweep[Entry](options.sweep_s)
        self._syncs = Pool[Entry, SyncReport](options.workers, "watch-sync")
        self._clerk = Clerk(reader.sessions, claims)
        self._questions = Pool[float, News](1, "watch-clerk")
        self._incoming = deque[Standing]()
        self._told: tuple[Collection[int], Collection[uuid.UUID]] = ((), ())
        self._ask_at = 0.0
        self._is_stopping = self._is_ready = self._is_away = self._is_limited = False

    def stop(self) -> None:
        """Have :meth:`run` return as soon as what is being synced is; for signals' handlers too."""
        self._is_stopping = True
        self._syncs.wake()

    def run(self, *, lifeline: int | None = None) -> None:
        """Watch until :meth:`stop`, or until the descriptor ``lifeline`` comes to its end."""
        waker = select.poll()
        if lifeline is not None:
            waker.register(lifeline, select.POLLIN)
        for pool in (self._syncs, self._questions):
            waker.register(pool.fileno(), select.POLLIN)
        try:
            while not self._is_stopping:
                self._step()
                if (descriptor := self._events.fileno()) is not None:
                    # It may be there for the first time; again is no harm.
                    waker.register(descriptor, select.POLLIN)
                woken = waker.poll(self._patience_ms())
                self._is_stopping |= any(descriptor == lifeline for descriptor, _ in woken)
        finally:
            self._close()

    def _step(self) -> None:
        now = time.monotonic()
        self._take_events(now)
        self._take_reports(now)
        self._ask(now)
        self._take_in(now)
        for entry in self._sweep.take(self._fleet, len(self._fleet), now):
            if entry in self._fleet and self._schedule.is_at_rest(entry):
                self._look_in_passing(entry, now)
        for entry in self._schedule.take_looks(now):
            self._look(entry, now)
        self._begin_syncs()
        self._tell_of_limits()
        self._observer.counted(self._fleet.watched, self._fleet.polled)

    def _patience_ms(self) -> float | None:
        """Return how long nothing is to be done unless something happens."""
        if self._incoming:
            return 0
        dues = [self._sweep.due, self._ask_at]
        if self._schedule.next_due is not None:
            dues.append(self._schedule.next_due)
        return max(0.0, min(dues) - time.monotonic()) * 1000

    def _take_events(self, now: float) -> None:
        happened = self._events.read()
        for entry in happened.changed:
            self._schedule.notice(entry, now)
        for entry in happened.ended:
            if entry in self._fleet:
                self._locate(entry, now)
        if happened.is_incomplete:
            log.warning("Events were lost; all repositories are looked at.")
            self._observer.lost_events()
            self._sweep.hurry(self._fleet, now)

    def _tell_of_limits(self) -> None:
        """Say once why repositories are polled, and once that none is any more."""
        if not self._fleet.polled:
            if self._is_limited:
                log.info("All repositories are watched again, and none is polled.")
            self._is_limited = False
        elif self._events.complaint and not self._is_limited:
            log.warning("%s", self._events.complaint)
            self._is_limited = True

    # What the database says

    def _ask(self, now: float) -> None:
        for _, future in self._questions.take_done():
            self._take_answer(future)
        if now >= self._ask_at and self._questions.room:
            busy = {shard_of(entry.id) for entry in self._syncs.running}
            self._questions.begin(now, lambda: self._clerk.ask(busy))
            self._ask_at = now + self._ask_s

    def _take_answer(self, future: Future[News]) -> None:
        try:
            news = future.result()
        except WitError as error:
            self._lose_database(error)
            return
        if self._is_away:
            log.info("The database is back.")
        self._is_away = False
        self._lease.renew(news.term, news.asked_s)
        self._apply(news)

    def _lose_database(self, error: WitError) -> None:
        if not self._is_away:
            log.warning("Nothing is synced until the database is back. %s", error.message)
        self._is_away = True
        self._lease.lose()

    def _apply(self, news: News) -> None:
        if news.is_all:
            known = {standing.id for standing in news.standings}
            self._keep_only(lambda entry: entry.id in known)
        if (news.shards, news.unwatched) != self._told:
            self._told = news.shards, news.unwatched
            self._keep_only(lambda entry: self._is_ours(entry.id))
        self._incoming.extend(news.standings)

    def _is_ours(self, repo_id: uuid.UUID) -> bool:
        shards, unwatched = self._told
        return shard_of(repo_id) in shards and repo_id not in unwatched

    def _keep_only(self, is_kept: Callable[[Entry], bool]) -> None:
        for entry in [entry for entry in self._fleet if not is_kept(entry)]:
            self._drop(entry)

    def _take_in(self, now: float) -> None:
        for _ in range(min(_AT_ONCE, len(self._incoming))):
            standing = self._incoming.popleft()
            entry = self._fleet.find(standing.id)
            if not standing.is_wanted or not self._is_ours(standing.id):
                if entry is not None:
                    self._drop(entry)
                continue
            is_new = entry is None
            entry = self._fleet.enter(standing)
            if entry.workspace is None:
                self._locate(entry, now, failures=standing.failures if is_new else 0)
        if not self._incoming and not self._is_ready and self._lease.may_begin():
            self._is_ready = True
            self._observer.ready(self._fleet.watched)

    def _drop(self, entry: Entry) -> None:
        self._fleet.drop(entry)
        self._schedule.forget(entry)

    # What the disk says

    def _locate(self, entry: Entry, now: float, *, failures: int = 0) -> None:
        """Look up where jj works now, and have it looked at."""
        was_there = entry.workspace is not None
        if self._fleet.locate(entry):
            if failures:
                self._schedule.resume(entry, failures, now)
            else:
                self._schedule.notice(entry, now)
        elif was_there:
            log.info("%s has no jj repository any more.", entry.name)
            self._schedule.forget(entry)

    def _look_in_passing(self, entry: Entry, now: float) -> None:
        """Look for changes that no event reported."""
        if entry.workspace is None:
            self._locate(entry, now)
            return
        self._fleet.ensure_watch(entry)
        if not self._fleet.may_have_changed(entry, time.time()):
            return
        if self._digest(entry) != entry.heads:
            # Another folder may be in the place of the one that is watched.
            self._locate(entry, now)

    def _look(self, entry: Entry, now: float) -> None:
        try:
            heads = self._fleet.peek(entry)
        except JjError:
            self._look_for_trouble(entry, now)
            return
        is_news = not heads or digest_of(heads) != entry.heads
        if self._schedule.looked(entry, len(heads), is_news=is_news, now=now):
            self._measure(entry)

    def _look_for_trouble(self, entry: Entry, now: float) -> None:
        """Have an entry synced whose heads cannot be listed: that says what is wrong."""
        if self._fleet.locate(entry):
            self._schedule.looked(entry, 1, is_news=True, now=now)
        else:
            self._schedule.forget(entry)

    def _digest(self, entry: Entry) -> int:
        """Return the number of its present heads; 0 if they cannot be listed."""
        try:
            return digest_of(self._fleet.peek(entry))
        except JjError:
            return 0

    def _measure(self, entry: Entry) -> None:
        try:
            published = Path(self._fleet.folder_of(entry)).stat().st_mtime
        except OSError:
            return
        self._observer.detected(max(0.0, time.time() - published))

    # Syncs

    def _begin_syncs(self) -> None:
        if not self._lease.may_begin():
            return
        for entry, failures in self._schedule.take_syncs(self._syncs.room):
            if failures and not self._fleet.locate(entry):
                self._schedule.forget(entry)
                continue
            target = Target(entry.id, entry.name, self._fleet.workspace_of(entry), failures)
            entry.heads = self._digest(entry)
            sync = functools.partial(self._reader.try_sync, target)
            self._syncs.begin(entry, self._lease.hold(sync))

    def _take_reports(self, now: float) -> None:
        for entry, future in self._syncs.take_done():
            try:
                report = future.result()
            except UnavailableError as error:
                self._schedule.put_back(entry)
                self._lose_database(error)
                continue
            self._take_report(entry, report, now)

    def _take_report(self, entry: Entry, report: SyncReport, now: float) -> None:
        self._schedule.finished(entry, now, is_failure=report.is_failure)
        self._observer.reported(report)
        if report.is_failure:
            entry.heads = 0
            log.warning("%s was not synced. %s %s", entry.name, report.error, report.hint or "")

    def _close(self) -> None:
        self._syncs.close()
        self._questions.close()
        self._clerk.close()
        self._events.close()
