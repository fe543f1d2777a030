"""Whoever wants to know how a watcher fares."""

from __future__ import annotations

from wit_admin.services.watch_sync import SyncReport


class Observer:
    """Gets events from the watcher's own thread; the methods here ignore them."""

    def ready(self, watched: int) -> None:
        """All present repositories are watched: so many."""

    def counted(self, watched: int, polled: int) -> None:
        """So many are watched, and so many of those by looking now and then."""

    def detected(self, seconds: float) -> None:
        """News were found, so long after jj published them."""

    def lost_events(self) -> None:
        """Everything has to be looked at."""

    def reported(self, report: SyncReport) -> None:
        """A sync ended."""

    def complained(self, report: SyncReport) -> None:
        """A failure was told in the log; one that lasts is not told each time."""
