"""A circuit breaker: after a failed connection, fail at once for a while instead of trying."""

from __future__ import annotations

import threading
import time

from wit_admin.errors import UnavailableError

_REST_S = 1.0
_LONGEST_TRIAL_S = 30.0


class Breaker:
    """Lets one caller a second try a database that is gone; the others fail without delay."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_open, self._next_trial = False, 0.0

    def check(self) -> None:
        """Check that the caller may try to connect.

        Raises:
            UnavailableError: The last attempt failed a moment ago, or another one is under way.
        """
        if not self._is_open:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._next_trial:
                raise UnavailableError(
                    "The database is not available: it could not be reached a moment ago.",
                    hint="Try again in a moment.",
                )
            # Other callers fail until this attempt has ended, unless it takes all too long.
            self._next_trial = now + _LONGEST_TRIAL_S

    def trip(self) -> None:
        """Note that connecting failed."""
        with self._lock:
            self._is_open = True
            self._next_trial = time.monotonic() + _REST_S

    def end_trial(self) -> None:
        """Note that an attempt showed nothing; if it was the one trial, another may follow."""
        if self._is_open:
            self.trip()

    def mend(self) -> None:
        """Note that connecting succeeded."""
        self._is_open, self._next_trial = False, 0.0
