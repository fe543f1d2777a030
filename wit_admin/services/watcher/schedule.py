"""Decides when to look at which repository, and when to sync it.

It does no I/O, and callers pass the time. A repository at rest takes no memory here. One in which
something happened goes through noticed → looked at → ready → running, and back to rest.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_PAUSE_S = 0.001
LONGEST_PAUSE_S = 0.064
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 300.0
_MAX_DOUBLINGS = 12


def retry_delay_s(failures: int) -> float:
    """Return the delay before the next attempt, after this many failures in a row."""
    return min(FIRST_RETRY_S * 2.0 ** min(failures - 1, _MAX_DOUBLINGS), LONGEST_RETRY_S)


@dataclass(slots=True, eq=False)
class _Case:
    """A repository that is not at rest."""

    since: float
    """When the change was noticed."""
    due: float | None = None
    """When to act: the next look or, after failures, the next attempt."""
    pause_s: float = FIRST_PAUSE_S
    is_ready: bool = False
    is_running: bool = False
    is_again: bool = False
    """Something happened during the sync, so another look follows it."""
    failures: int = 0
    tried_at: float = 0.0


@dataclass(slots=True)
class Schedule(Generic[K]):
    """The work to do in each repository, by any key.

    ``hold_back_s`` is the longest that a burst of changes delays its sync.
    """

    hold_back_s: float
    _cases: dict[K, _Case] = field(default_factory=dict)
    _timers: list[tuple[float, int, K]] = field(default_factory=list)
    _ready: deque[K] = field(default_factory=deque)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def notice(self, key: K, now: float) -> None:
        """Note that something happened; a look is due at once, unless a sync is running."""
        case = self._cases.setdefault(key, _Case(now))
        if case.is_running:
            case.is_again = True
        elif not case.is_ready:
            # The change may have cured the failure, so try again, but not all the time.
            soonest = case.tried_at + FIRST_RETRY_S if case.failures else now
            self._set_due(key, case, soonest)

    def resume(self, key: K, failures: int, now: float) -> None:
        """Note that an earlier process failed this often; the next attempt is due at once."""
        case = self._cases[key] = _Case(now, failures=failures)
        self._set_due(key, case, now)

    def forget(self, key: K) -> None:
        """Drop all plans for a repository; a running sync goes on."""
        self._cases.pop(key, None)

    def take_looks(self, now: float) -> list[K]:
        """Return the repositories to look at now; call :meth:`looked` for each of them."""
        looks = []
        while self._timers and self._timers[0][0] <= now:
            due, _, key = heapq.heappop(self._timers)
            case = self._cases.get(key)
            if case is None or case.due != due:
                continue
            case.due = None
            if case.failures:
                self._make_ready(key, case)
            else:
                looks.append(key)
        return looks

    def looked(self, key: K, heads: int, *, is_news: bool, now: float) -> bool:
        """Note the number of heads; ``is_news`` says that they differ from those synced last.

        Several heads usually mean that jj is in the middle of something. Return whether a sync
        is due now.
        """
        case = self._cases.get(key)
        if case is None or case.is_running or case.is_ready:
            return False
        if not is_news:
            del self._cases[key]
            return False
        deadline = case.since + self.hold_back_s
        if heads == 1 or now >= deadline or case.pause_s > LONGEST_PAUSE_S:
            self._make_ready(key, case)
            return True
        self._set_due(key, case, min(now + case.pause_s, deadline))
        case.pause_s *= 2
        return False

    def take_syncs(self, room: int) -> list[tuple[K, int]]:
        """Return at most ``room`` repositories to sync, each with its number of failures in a row.

        Those that waited longest come first; call :meth:`finished` for each of them.
        """
        taken: list[tuple[K, int]] = []
        while self._ready and len(taken) < room:
            key = self._ready.popleft()
            case = self._cases.get(key)
            if case is not None and case.is_ready:
                case.is_ready, case.is_running = False, True
                taken.append((key, case.failures))
        return taken

    def finished(self, key: K, now: float, *, is_failure: bool = False) -> None:
        """Note how a sync ended."""
        case = self._cases.get(key)
        if case is None:
            return
        case.is_running = False
        if is_failure:
            case.failures += 1
            case.tried_at = now
            case.is_again = False
            self._set_due(key, case, now + retry_delay_s(case.failures))
        elif case.is_again:
            self._cases[key] = again = _Case(now)
            self._set_due(key, again, now)
        else:
            del self._cases[key]

    def put_back(self, key: K) -> None:
        """Make a repository ready again whose sync failed for another reason than itself."""
        case = self._cases.get(key)
        if case is not None and case.is_running:
            case.is_running = False
            self._make_ready(key, case)

    def is_at_rest(self, key: K) -> bool:
        """Return whether there is nothing to do for this repository."""
        return key not in self._cases

    @property
    def next_due(self) -> float | None:
        """When to call :meth:`take_looks` next; calling it earlier does no harm."""
        return self._timers[0][0] if self._timers else None

    @property
    def waiting(self) -> int:
        """How many repositories are ready to sync."""
        return len(self._ready)

    def _set_due(self, key: K, case: _Case, due: float) -> None:
        if case.due is None or due < case.due:
            case.due = due
            heapq.heappush(self._timers, (due, next(self._numbers), key))

    def _make_ready(self, key: K, case: _Case) -> None:
        case.is_ready = True
        case.due = None
        self._ready.append(key)
