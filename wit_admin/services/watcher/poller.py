"""Polls all repositories, spread over time, to find changes that no event reported."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")

_LONGEST_TICK_S = 1.0
_AT_A_TIME = 250
"""How many repositories are looked at in one go. That takes a millisecond or two, in which events
wait; smaller parts would cost as much for waking up as for looking."""
_IN_A_HURRY = 500


class Poller(Generic[K]):
    """Takes each of many things once in ``circle_s`` seconds, a part at a time."""

    def __init__(self, circle_s: float) -> None:
        self._circle_s = circle_s
        self._credit = 0.0
        self._left: Iterator[K] = iter(())
        self._is_hurried = False
        self.due = 0.0
        """When to take the next part."""

    def take(self, things: Iterable[K], count: int, now: float) -> list[K]:
        """Return the things to look at now; ``things`` are all of them, ``count`` in number."""
        if now < self.due:
            return []
        if self._is_hurried:
            taken = list(itertools.islice(self._left, _IN_A_HURRY))
            self._is_hurried = len(taken) == _IN_A_HURRY
            return taken
        tick_s = min(_LONGEST_TICK_S, self._circle_s, self._circle_s * _AT_A_TIME / max(count, 1))
        self.due = now + tick_s
        self._credit = min(self._credit + count * tick_s / self._circle_s, count)
        batch = int(self._credit)
        self._credit -= batch
        taken = list(itertools.islice(self._left, batch))
        if len(taken) < batch:
            # The round is complete; things added meanwhile take part from now on.
            self._left = iter(list(things))
            taken += itertools.islice(self._left, batch - len(taken))
        return taken

    def hurry(self, things: Iterable[K], now: float) -> None:
        """Have everything taken once, as soon as possible."""
        self._left = iter(list(things))
        self._is_hurried = True
        self.due = now
