"""When to look at which repository, and when to sync it: pure, by a clock that is handed in.

A repository at rest takes no room here. One in which something happened goes through
noticed → looked at → ready → running, and back to rest.
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
_DOUBLINGS_MOST = 12


def retry_delay_s(failures: int) -> float:
    """Return how long a repository is left alone after so many failures in a row."""
    return min(FIRST_RETRY_S * 2.0 ** min(failures - 1, _DOUBLINGS_MOST), LONGEST_RETRY_S)


@dataclass(slots=True, eq=False)
class _Case:
    """A repository that is not at rest."""

    since: float
    """When it was noticed that something happens."""
    due: float | None = None
    """When something is to be done: a look, or after failures the next attempt."""
    pause_s: float = FIRST_PAUSE_S
    is_ready: bool = False
    is_running: bool = False
    is_again: bool = False
    """Something happened while it was being synced."""
    failures: int = 0
    tried_at: float = 0.0


@dataclass(slots=True)
class Schedule(Generic[K]):
    """What is to be done with repositories, which are known by any key.

    ``hold_back_s`` is the most that a burst is held back before it is synced as it stands.
    """

    hold_back_s: float
    _cases: dict[K, _Case] = field(default_factory=dict)
    _timers: list[tuple[float, int, K]] = field(default_factory=list)
    _ready: deque[K] = field(default_factory=deque)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def notice(self, key: K, now: float) -> None:
        """Take in that something happened; a look is due at once, unless one syncs just now."""
        case = self._cases.setdefault(key, _Case(now))
        if case.is_running:
            case.is_again = True
        elif not case.is_ready:
            # What jj does may be the cure of a failure. Only that it is not tried all the time.
            soonest = case.tried_at + FIRST_RETRY_S if case.failures else now
            self._set_due(key, case, soonest)

    def resume(self, key: K, failures: int, now: float) -> None:
        """Take in that attempts of an earlier process failed; the next one is due at once."""
        case = self._cases[key] = _Case(now, failures=failures)
        self._set_due(key, case, now)

    def forget(self, key: K) -> None:
        """Leave a repository to others; what runs comes to its end."""
        self._cases.pop(key, None)

    def take_looks(self, now: float) -> list[K]:
        """Return the repositories that are to be looked at; tell with :meth:`looked` each time."""
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
        """Take in that there are so many heads; ``is_news`` when others than were synced last.

        Several mostly mean that jj is just at work. Tell whether a sync is due by that.
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
        """Return at most ``room`` repositories to sync, each with its failures in a row.

        Those that waited longest come first; tell with :meth:`finished`.
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
        """Take in how a sync ended."""
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
        """Take in that a sync did not come about, for no fault of the repository's."""
        case = self._cases.get(key)
        if case is not None and case.is_running:
            case.is_running = False
            self._make_ready(key, case)

    def is_at_rest(self, key: K) -> bool:
        """Tell whether nothing is to be done."""
        return key not in self._cases

    @property
    def next_due(self) -> float | None:
        """When :meth:`take_looks` is to be called; earlier is no harm."""
        return self._timers[0][0] if self._timers else None

    @property
    def waiting(self) -> int:
        """How many repositories are ready to be synced."""
        return len(self._ready)

    def _set_due(self, key: K, case: _Case, due: float) -> None:
        if case.due is None or due < case.due:
            case.due = due
            heapq.heappush(self._timers, (due, next(self._numbers), key))

    def _make_ready(self, key: K, case: _Case) -> None:
        case.is_ready = True
        case.due = None
        self._ready.append(key)
