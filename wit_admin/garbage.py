"""Relaxes Python's garbage collector, the search for reference cycles, during large work.

All that is in no cycle is freed at once without it.
"""

from __future__ import annotations

import gc
import threading
from contextlib import ContextDecorator
from types import TracebackType

_OBJECTS = 1_000_000
"""Not without end: other threads may leave cycles behind meanwhile."""


class _RelaxedCollector(ContextDecorator):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._before = gc.get_threshold()

    def __enter__(self) -> None:
        with self._lock:
            if not self._blocks:
                self._before = gc.get_threshold()
                gc.set_threshold(_OBJECTS, *self._before[1:])
            self._blocks += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                gc.set_threshold(*self._before)


relaxed_collector = _RelaxedCollector()
"""``with relaxed_collector:`` lets the collector run only after each million of new objects.

It can decorate a function, too. It is for work that makes very many and hardly a cycle, since each
run visits all that are new. Let the block outlive them, or they are visited at its end. Blocks may
overlap, also of several threads.
"""
