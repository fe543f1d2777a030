"""Looks at the disk: where jj is used, and whether there is something to sync."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from pathlib import Path

from wit_admin.errors import JjError
from wit_admin.log import fields
from wit_admin.services.repositories.root_presence import RootPresence
from wit_admin.services.watcher.inventory import digest_of
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.poller import Poller
from wit_admin.services.watcher.schedule import Schedule
from wit_admin.services.watcher.watch_list import Watched, WatchList

log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 1.0
_SAME_LOOK_S = 0.1
"""How long the last check of the root stays valid: when a disk goes away, thousands of
repositories ask at once."""


class Detector:
    """Looks at repositories, after an event or in turn, and informs the schedule."""

    def __init__(
        self,
        root: Path,
        watch_list: WatchList,
        schedule: Schedule[Watched],
        poller: Poller[Watched],
        observer: Observer,
    ) -> None:
        self._root = RootPresence(root)
        self._watch_list = watch_list
        self._schedule = schedule
        self._poller = poller
        self._observer = observer
        self._looked_at = 0.0
        self.is_gone = False
        """The repositories' disk is missing; the repositories seen on it are expected to return."""

    @property
    def due(self) -> float:
        """When to call :meth:`poll` next."""
        return self._looked_at + _LOOK_AGAIN_S if self.is_gone else self._poller.due

    def take_ended(self, ended: Iterable[Watched], now: float) -> None:
        """Locate repositories again whose watched folders were moved or removed."""
        for entry in ended:
            if entry in self._watch_list:
                self.locate(entry, now)

    def poll(self, now: float) -> None:
        """Look at the next few repositories, to find changes that no event reported."""
        if self.is_gone and not self._is_back(now):
            return
        for entry in self._poller.take(self._watch_list, len(self._watch_list), now):
            if entry in self._watch_list and self._schedule.is_at_rest(entry):
                self._poll(entry, now)

    def poll_all(self, now: float) -> None:
        """Have all repositories looked at as soon as possible."""
        for entry in self._watch_list:
            if not self._schedule.is_at_rest(entry):
                # Polling passes it over, and a running sync may have missed the change.
                self._schedule.notice(entry, now)
        self._poller.hurry(self._watch_list, now)

    def locate(self, entry: Watched, now: float, *, failures: int = 0) -> None:
        """Find out where jj works in a repository now, and schedule a look at it."""
        was_there = entry.workspace is not None
        if self._watch_list.locate(entry):
            if failures:
                self._schedule.resume(entry, failures, now)
            else:
                self._schedule.notice(entry, now)
            return
        self._schedule.forget(entry)
        # A repository that any process has ever synced is expected to be there, too.
        if (was_there or entry.heads) and self.is_root_there(now) and was_there:
            log.info("jj is no longer used in a repository.", extra=fields(repository=entry.name))

    def look(self, now: float) -> None:
        """Look at the repositories whose look is due."""
        if self.is_gone:
            return
        for entry in self._schedule.take_looks(now):
            self._look(entry, now)

    def digest(self, entry: Watched) -> int:
        """Return a digest of the present operation heads; 0 if they cannot be listed."""
        try:
            return digest_of(self._watch_list.peek(entry))
        except JjError:
            return 0

    def is_root_there(self, now: float) -> bool:
        """Return whether the repositories' disk is there; log once if it is not."""
        if self.is_gone or now < self._looked_at + _SAME_LOOK_S:
            return not self.is_gone
        self._looked_at = now
        if not self._root.look():
            self.is_gone = True
            log.error(
                "The repositories' folder is gone, empty, or another than before. "
                "Nothing is synced until it is back; see whether its disk is mounted.",
                extra=fields(folder=self._root.root),
            )
        return not self.is_gone

    def _is_back(self, now: float) -> bool:
        if now < self._looked_at + _LOOK_AGAIN_S:
            return False
        self._looked_at = now
        if not self._root.look():
            return False
        self.is_gone = False
        log.info(
            "The repositories' folder is back; all repositories are looked at.",
            extra=fields(folder=self._root.root),
        )
        self._watch_list.unwatch_all()
        self.poll_all(now)
        return True

    def _poll(self, entry: Watched, now: float) -> None:
        if entry.workspace is None:
            self.locate(entry, now)
            return
        self._watch_list.ensure_watch(entry)
        if not self._watch_list.may_have_changed(entry, time.time()):
            return
        if self.digest(entry) != entry.heads:
            # The watched folder may have been replaced by another one.
            self.locate(entry, now)

    def _look(self, entry: Watched, now: float) -> None:
        try:
            heads = self._watch_list.peek(entry)
        except JjError:
            self._look_for_trouble(entry, now)
            return
        is_news = not heads or digest_of(heads) != entry.heads
        if self._schedule.looked(entry, len(heads), is_news=is_news, now=now):
            self._measure(entry)

    def _look_for_trouble(self, entry: Watched, now: float) -> None:
        """Sync a repository whose heads cannot be listed: the sync reports what is wrong."""
        if self._watch_list.locate(entry):
            self._schedule.looked(entry, 1, is_news=True, now=now)
        else:
            self._schedule.forget(entry)

    def _measure(self, entry: Watched) -> None:
        try:
            published = Path(self._watch_list.folder_of(entry)).stat().st_mtime
        except OSError:
            return
        self._observer.detected(max(0.0, time.time() - published))
