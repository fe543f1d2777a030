"""What anybody may read, remembered for the requests that follow at once, and for bad times."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from wit_admin.db.data_version import DataVersion, Version
from wit_admin.names import RepoName
from wit_admin.services.targets import Served

_MOST = 10_000
_FRESH_S = 0.2
"""What anybody may read is not asked for again for so long: the requests of one clone come within
that time, and whoever began to read an instant ago reads on anyway."""
_UNCHANGED_S = 2.0
"""So long while the database has not changed at all, where that is known."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When the database was asked, and at which version it was."""

    at: float
    version: Version | None


class PublicRepositories:
    """The public repositories that were read last. May be used from several threads."""

    def __init__(self, changes: DataVersion | None) -> None:
        self._changes = changes
        self._known: OrderedDict[tuple[str, str], tuple[Served, Moment]] = OrderedDict()
        self._lock = Lock()

    def moment(self) -> Moment:
        """Return the present; take it before the database is asked."""
        return Moment(time.monotonic(), self._changes.read() if self._changes else None)

    def remember(self, served: Served, moment: Moment) -> None:
        """Keep a repository that was public at that moment."""
        anonymous = Served(served.name, served.gitdir, served.repo_id)
        key = served.name.key
        with self._lock:
            self._known[key] = (anonymous, moment)
            self._known.move_to_end(key)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)

    def recall(self, name: RepoName) -> Served | None:
        """Return a repository that anybody may read still, as far as is known without asking.

        Never waits.
        """
        with self._lock:
            known = self._known.get(name.key)
        if known is None:
            return None
        served, then = known
        age_s = time.monotonic() - then.at
        if age_s <= _FRESH_S:
            return served
        if then.version is None or self._changes is None or age_s > _UNCHANGED_S:
            return None
        # A folder may be gone although no row has changed.
        is_current = self._changes.read() == then.version and os.path.isdir(served.gitdir)  # noqa: PTH112  per request
        return served if is_current else None

    def recall_anyway(self, name: RepoName) -> Served | None:
        """Return a repository that anybody could read when the database was last asked."""
        with self._lock:
            known = self._known.get(name.key)
        return None if known is None else known[0]

    def forget(self, name: RepoName) -> None:
        """Drop what is private, or not there any more."""
        with self._lock:
            self._known.pop(name.key, None)
