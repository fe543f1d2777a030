"""Applies the database's answer: which repositories this process watches, and which no more."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Collection

from wit_admin.services.watcher.claims import shard_of
from wit_admin.services.watcher.detector import Detector
from wit_admin.services.watcher.inventory import InventoryUpdate, KnownRepository
from wit_admin.services.watcher.schedule import Schedule
from wit_admin.services.watcher.watch_list import Watched, WatchList

_AT_ONCE = 200
"""How many repositories are added before the loop turns to other work."""


class Membership:
    """Keeps the watch list to the repositories that this process may watch."""

    def __init__(
        self, watch_list: WatchList, schedule: Schedule[Watched], detector: Detector
    ) -> None:
        self._watch_list = watch_list
        self._schedule = schedule
        self._detector = detector
        self._incoming = deque[KnownRepository]()
        self._given: tuple[Collection[int], Collection[uuid.UUID]] = ((), ())

    @property
    def is_settled(self) -> bool:
        """Whether every repository of the last answer has been applied."""
        return not self._incoming

    def apply(self, update: InventoryUpdate) -> None:
        """Drop repositories that are no longer ours, and queue those that may have changed."""
        if update.is_all:
            known = {repository.id for repository in update.repositories}
            self._keep_only(lambda entry: entry.id in known)
        if (update.shards, update.unwatched) != self._given:
            self._given = update.shards, update.unwatched
            self._keep_only(lambda entry: self._is_ours(entry.id))
        self._incoming.extend(update.repositories)

    def take_in(self, now: float) -> None:
        """Apply the next part of the queue."""
        for _ in range(min(_AT_ONCE, len(self._incoming))):
            known = self._incoming.popleft()
            entry = self._watch_list.find(known.id)
            if not known.is_wanted or not self._is_ours(known.id):
                if entry is not None:
                    self._drop(entry)
                continue
            is_new = entry is None
            entry = self._watch_list.enter(known)
            if entry.workspace is None:
                self._detector.locate(entry, now, failures=known.failures if is_new else 0)

    def _is_ours(self, repo_id: uuid.UUID) -> bool:
        shards, unwatched = self._given
        return shard_of(repo_id) in shards and repo_id not in unwatched

    def _keep_only(self, is_kept: Callable[[Watched], bool]) -> None:
        for entry in [entry for entry in self._watch_list if not is_kept(entry)]:
            self._drop(entry)

    def _drop(self, entry: Watched) -> None:
        self._watch_list.drop(entry)
        self._schedule.forget(entry)
