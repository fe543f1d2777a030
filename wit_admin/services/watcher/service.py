"""The loop of the watcher: events in, syncs out.

One thread sleeps until there is a file event, a finished sync, an answer of the database, or
something due by the clock. It only lists heads, which takes microseconds. Other threads do what
takes longer: a bounded pool the syncs, one thread the questions to the database.
"""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Collection
from dataclasses import dataclass

from wit_admin.errors import WitError
from wit_admin.jj.head_events import HeadEvents
from wit_admin.log import fields
from wit_admin.services.watcher.detector import Detector
from wit_admin.services.watcher.inventory import Inventory, InventoryUpdate
from wit_admin.services.watcher.lease import Lease
from wit_admin.services.watcher.membership import Membership
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.poller import Poller
from wit_admin.services.watcher.pool import Pool
from wit_admin.services.watcher.recorded_sync import JjReader
from wit_admin.services.watcher.schedule import Schedule
from wit_admin.services.watcher.syncs import Syncs
from wit_admin.services.watcher.watch_list import Watched, WatchList

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Settings of a watcher."""

    hold_back_s: float = 0.3
    """The longest that a burst of changes delays its sync."""
    poll_interval_s: float = 30.0
    """The time in which each repository is looked at once, even without events."""
    workers: int = 2
    """How many syncs run at the same time."""
    ask_s: float = 2.0
    """Seconds between two questions to the database: what is new, and what is ours?"""


class Watcher:
    """Watches repositories until :meth:`stop` is called."""

    def __init__(
        self,
        reader: JjReader,
        inventory: Inventory,
        events: HeadEvents[Watched],
        options: WatchOptions | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Take over ``inventory`` and ``events``; :meth:`run` closes them at its end."""
        options = options or WatchOptions()
        self._ask_s, self._ask_at = options.ask_s, 0.0
        self._events = events
        self._observer = observer or Observer()
        self._lease = Lease(inventory.lease_s)
        self._watch_list = WatchList(reader.root, events)
        self._schedule = Schedule[Watched](options.hold_back_s)
        self._detector = Detector(
            reader.root,
            self._watch_list,
            self._schedule,
            Poller[Watched](options.poll_interval_s),
            self._observer,
        )
        self._membership = Membership(self._watch_list, self._schedule, self._detector)
        self._syncs = Syncs(
            reader,
            self._watch_list,
            self._schedule,
            self._detector,
            self._observer,
            lease=self._lease,
            threads=options.workers,
        )
        self._inventory = inventory
        self._questions = Pool[None, InventoryUpdate](1, "watch-inventory")
        self._is_stopping = self._is_ready = self._is_away = self._is_limited = False

    def stop(self) -> None:
        """Make :meth:`run` return once the running syncs have ended; for signal handlers, too."""
        self._is_stopping = True
        self._syncs.pool.wake()

    def run(self, *, lifeline: int | None = None) -> None:
        """Watch until :meth:`stop`, or until reading from ``lifeline`` reaches the end of file."""
        waker = select.poll()
        if lifeline is not None:
            waker.register(lifeline, select.POLLIN)
        for pool in (self._syncs.pool, self._questions):
            waker.register(pool.fileno(), select.POLLIN)
        try:
            while not self._is_stopping:
                self._step()
                if (descriptor := self._events.fileno()) is not None:
                    # The root may have just appeared; watching it again does no harm.
                    waker.register(descriptor, select.POLLIN)
                woken = waker.poll(self._patience_ms())
                self._is_stopping |= any(descriptor == lifeline for descriptor, _ in woken)
        finally:
            self._close()

    def _step(self) -> None:
        now = time.monotonic()
        self._take_events(now)
        if (lost := self._syncs.take_reports(now)) is not None:
            self._lose_database(lost)
        self._ask(now)
        self._membership.take_in(now)
        self._tell_of_readiness()
        self._detector.poll(now)
        self._detector.look(now)
        self._syncs.begin(now)
        # Before the log speaks of them: who reads it there looks at the metrics next.
        self._observer.counted(self._watch_list.watched, self._watch_list.polled)
        self._tell_of_limits()

    def _patience_ms(self) -> float | None:
        """Return the milliseconds until something is due by the clock; ``None`` if nothing is."""
        if not self._membership.is_settled:
            return 0
        dues = [self._detector.due, self._ask_at]
        if self._schedule.next_due is not None and not self._detector.is_gone:
            dues.append(self._schedule.next_due)
        return max(0.0, min(dues) - time.monotonic()) * 1000

    def _take_events(self, now: float) -> None:
        happened = self._events.read()
        for entry in happened.changed:
            self._schedule.notice(entry, now)
        self._detector.take_ended(happened.ended, now)
        if happened.is_incomplete:
            log.warning("Events were lost; all repositories are looked at.")
            self._observer.lost_events()
            self._detector.poll_all(now)

    def _ask(self, now: float) -> None:
        """Apply the database's answer, if there is one, and ask again when it is time."""
        for _, future in self._questions.take_done():
            try:
                update = future.result()
            except WitError as error:
                self._lose_database(error)
                continue
            if self._is_away:
                log.info("The database is back.")
            self._is_away = False
            self._lease.renew(update.term, update.asked_s)
            self._membership.apply(update)
        if now >= self._ask_at and self._questions.room:
            busy: Collection[int] = self._syncs.busy_shards()
            self._questions.begin(None, lambda: self._inventory.ask(busy))
            self._ask_at = now + self._ask_s

    def _lose_database(self, error: WitError) -> None:
        if not self._is_away:
            log.warning(
                "Nothing is synced until the database is back.",
                extra=fields(reason=error.message),
            )
        self._is_away = True
        self._lease.lose()

    def _tell_of_readiness(self) -> None:
        if not self._is_ready and self._membership.is_settled and self._lease.may_begin():
            self._is_ready = True
            self._observer.ready(self._watch_list.watched)

    def _tell_of_limits(self) -> None:
        """Log once why repositories are polled, and once when none is polled any more."""
        if not self._watch_list.polled:
            if self._is_limited:
                log.info("All repositories are watched again, and none is polled.")
            self._is_limited = False
        elif self._events.complaint and not self._is_limited:
            log.warning(
                "Repositories that cannot be watched are polled.",
                extra=fields(reason=self._events.complaint),
            )
            self._is_limited = True

    def _close(self) -> None:
        self._syncs.pool.close()
        self._questions.close()
        self._inventory.close()
        self._events.close()
