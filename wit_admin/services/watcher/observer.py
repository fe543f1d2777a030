"""Whoever wants to know how a watcher fares."""

from __future__ import annotations

from wit_admin.services.watch_sync import SyncReport


class Observer:
    """Is told, by the watcher's own thread; what is not overridden is not of interest."""

    def ready(self, watched: int) -> None:
        """All that stands there is watched: so many repositories."""

    def counted(self, watched: int, polled: int) -> None:
        """So many are watched, and so many of those by looking now and then."""

    def detected(self, seconds: float) -> None:
        """News were found, so long after jj published them."""

    def lost_events(self) -> None:
        """Everything has to be looked at."""

    def reported(self, report: SyncReport) -> None:
        """A sync ended."""
