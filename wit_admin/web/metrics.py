"""Prometheus metrics of several processes, kept in shared memory.

Each worker has a row of its own in one anonymous mapping that the parent made before it forked,
and writes there without a lock; the worker that is scraped adds the rows up. A worker that
replaces a dead one continues its row, so no counter goes back. That is simpler and faster than a
file per process: an observation is four additions in memory.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from wit_admin import __version__
from wit_admin.web.notes import Notes, Operation, Outcome

BOUNDS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_BUCKETS = len(BOUNDS_S) + 1
CELL = _BUCKETS + 1
"""The number of values in a histogram: its buckets, and the sum."""
_OPERATIONS = tuple(Operation)
_OUTCOMES = tuple(Outcome)
_BYTES_IN = CELL * len(_OPERATIONS) * len(_OUTCOMES)
_BYTES_OUT = _BYTES_IN + len(_OPERATIONS)
_IN_FLIGHT = _BYTES_OUT + len(_OPERATIONS)
_CHILDREN = _IN_FLIGHT + 1
_PUSHES = _CHILDREN + 1
_CLONES = _PUSHES + 1
_ROW = _CLONES + 1
DOUBLE_BYTES = 8


@dataclass(frozen=True, slots=True)
class SharedMetrics:
    """The metrics of all workers, in memory that they share. Make it before they fork."""

    count: int
    _numbers: memoryview[float]
    others: tuple[Collector, ...] = ()
    """Further collectors, whose metrics are shown as well."""

    @classmethod
    def create(cls, count: int, *others: Collector) -> SharedMetrics:
        """Map memory for ``count`` workers, all zero."""
        numbers = memoryview(mmap.mmap(-1, count * _ROW * DOUBLE_BYTES)).cast("d")
        return cls(count, numbers, others)

    def of_worker(self, slot: int) -> WorkerMetrics:
        """Return the row of one worker, and clear the gauges that its predecessor left."""
        row = self._numbers[slot * _ROW : (slot + 1) * _ROW]
        row[_IN_FLIGHT] = row[_CHILDREN] = 0
        return WorkerMetrics(row, self)

    def total(self, place: int) -> float:
        """Add up one number over all workers."""
        return sum(self._numbers[slot * _ROW + place] for slot in range(self.count))


class WorkerMetrics:
    """The metrics of one worker; only its event loop writes there."""

    def __init__(self, row: memoryview[float], shared: SharedMetrics) -> None:
        self._row = row
        self._registry = CollectorRegistry()
        for collector in (_Totals(shared), *shared.others):
            self._registry.register(collector)

    def enter(self) -> None:
        """Count a request that begins."""
        self._row[_IN_FLIGHT] += 1

    def leave(self, notes: Notes, spent_s: float) -> None:
        """Count a request that has ended."""
        row, operation = self._row, _OPERATIONS.index(notes.operation)
        cell = _cell(operation, _OUTCOMES.index(notes.outcome))
        row[cell + bisect_left(BOUNDS_S, spent_s)] += 1
        row[cell + _BUCKETS] += spent_s
        row[_BYTES_IN + operation] += notes.bytes_in
        row[_BYTES_OUT + operation] += notes.bytes_out
        row[_PUSHES] += notes.pushes
        row[_CLONES] += notes.clones
        # Last, as another worker reads meanwhile: when none is in flight, all have been counted.
        row[_IN_FLIGHT] -= 1

    def set_children(self, running: int) -> None:
        """Set the number of git children of this worker."""
        self._row[_CHILDREN] = running

    def exposition(self) -> bytes:
        """Return the totals of all workers as Prometheus text."""
        return generate_latest(self._registry)


class _Totals(Collector):
    def __init__(self, shared: SharedMetrics) -> None:
        self._shared = shared

    def collect(self) -> Iterator[Metric]:
        yield self._durations()
        yield self._bytes("wit_request_bytes", "Bytes of request bodies", _BYTES_IN)
        yield self._bytes("wit_response_bytes", "Bytes of response bodies", _BYTES_OUT)
        total = self._shared.total
        yield GaugeMetricFamily("wit_requests_in_flight", "Requests under way", total(_IN_FLIGHT))
        yield GaugeMetricFamily("wit_git_children", "git processes running", total(_CHILDREN))
        yield CounterMetricFamily("wit_pushes", "Pushes that git carried out", total(_PUSHES))
        yield CounterMetricFamily("wit_clones", "Clones that were sent", total(_CLONES))
        yield GaugeMetricFamily("wit_workers", "Places for serving processes", self._shared.count)
        build = GaugeMetricFamily("wit_build_info", "Version", labels=["version"])
        build.add_metric([__version__], 1)
        yield build

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "wit_request_duration_seconds",
            "From the request's head to the end of its answer",
            labels=["operation", "outcome"],
        )
        for number, operation in enumerate(_OPERATIONS):
            for place, outcome in enumerate(_OUTCOMES):
                cell = _cell(number, place)
                counts = [self._shared.total(cell + bucket) for bucket in range(_BUCKETS)]
                if any(counts):
                    family.add_metric(
                        [operation, outcome],
                        buckets=list(cumulative(counts)),
                        sum_value=self._shared.total(cell + _BUCKETS),
                    )
        return family

    def _bytes(self, name: str, text: str, place: int) -> Metric:
        family = CounterMetricFamily(name, text, labels=["operation"])
        for number, operation in enumerate(_OPERATIONS):
            family.add_metric([operation], self._shared.total(place + number))
        return family


def _cell(operation: int, outcome: int) -> int:
    return (operation * len(_OUTCOMES) + outcome) * CELL


def cumulative(counts: list[float]) -> Iterator[tuple[str, float]]:
    """Yield the buckets of a histogram as Prometheus has them: each holds those below."""
    total = 0.0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), counts, strict=True):
        total += count
        yield bound, total
