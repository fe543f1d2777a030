"""The interface for those who want to know what a watcher does: metrics and tests."""

from __future__ import annotations

from wit_admin.services.watcher.recorded_sync import SyncReport


class Observer:
    """The watcher calls these methods from its own thread; here they do nothing."""

    def ready(self, watched: int) -> None:
        """The watcher has started, and watches this many repositories."""

    def counted(self, watched: int, polled: int) -> None:
        """This many repositories are watched, and this many of them only by polling."""

    def detected(self, seconds: float) -> None:
        """A change was found, this many seconds after jj published it."""

    def lost_events(self) -> None:
        """The kernel dropped events, so all repositories must be looked at."""

    def reported(self, report: SyncReport) -> None:
        """A sync ended, with this result."""

    def complained(self, report: SyncReport) -> None:
        """A failure was logged; one that lasts is not logged each time."""
