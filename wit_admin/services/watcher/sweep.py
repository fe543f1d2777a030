"""A slow look at everything, spread over time: what finds what no event told of."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")

_TICK_S = 0.25
_IN_A_HURRY = 500


class Sweep(Generic[K]):
    """Takes each of many things once in ``circle_s`` seconds, some at a time."""

    def __init__(self, circle_s: float) -> None:
        self._circle_s = circle_s
        self._tick_s = min(_TICK_S, circle_s)
        self._credit = 0.0
        self._left: Iterator[K] = iter(())
        self._is_hurried = False
        self.due = 0.0
        """When the next ones are to be taken."""

    def take(self, things: Iterable[K], count: int, now: float) -> list[K]:
        """Return what is to be looked at now; ``things`` are what there is, ``count`` of them."""
        if now < self.due:
            return []
        if self._is_hurried:
            taken = list(itertools.islice(self._left, _IN_A_HURRY))
            self._is_hurried = len(taken) == _IN_A_HURRY
            return taken
        self.due = now + self._tick_s
        self._credit = min(self._credit + count * self._tick_s / self._circle_s, count)
        batch = int(self._credit)
        self._credit -= batch
        taken = list(itertools.islice(self._left, batch))
        if len(taken) < batch:
            # Around; those that came meanwhile take part from now on.
            self._left = iter(list(things))
            taken += itertools.islice(self._left, batch - len(taken))
        return taken

    def hurry(self, things: Iterable[K], now: float) -> None:
        """Have everything taken as soon as can be, once."""
        self._left = iter(list(things))
        self._is_hurried = True
        self.due = now
