"""Metrics of the watcher, in memory that it shares with the serving processes."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.recorded_sync import SyncReport
from wit_admin.web.metrics import BOUNDS_S, CELL, DOUBLE_BYTES, cumulative

_STATES = ("synced", "unchanged", "failed")
_WATCHED, _POLLED, _FALLBACKS, _SYNCS = range(4)
_DURATION = _SYNCS + len(_STATES)
_DETECTION = _DURATION + CELL
_ROW = _DETECTION + CELL


class WatchMetrics(Observer, Collector):
    """Only the watcher writes it, and all processes read it. Create it before they fork.

    A watcher that replaces a dead one continues with its counts.
    """

    def __init__(self) -> None:
        self._numbers: Any = memoryview(mmap.mmap(-1, _ROW * DOUBLE_BYTES)).cast("d")

    def counted(self, watched: int, polled: int) -> None:
        """Set the number of watched repositories."""
        self._numbers[_WATCHED], self._numbers[_POLLED] = watched, polled

    def detected(self, seconds: float) -> None:
        """Count a change that was found, and how long that took."""
        self._observe(_DETECTION, seconds)

    def lost_events(self) -> None:
        """Count a loss of events, after which all repositories were looked at."""
        self._numbers[_FALLBACKS] += 1

    def reported(self, report: SyncReport) -> None:
        """Count a sync, and how long it took."""
        self._numbers[_SYNCS + _STATES.index(report.state)] += 1
        if not report.is_failure:
            self._observe(_DURATION, report.seconds)

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        numbers = self._numbers
        yield GaugeMetricFamily(
            "wit_watch_repositories", "jj repositories that are watched", numbers[_WATCHED]
        )
        yield GaugeMetricFamily(
            "wit_watch_polled_repositories",
            "Those that are looked at now and then, for want of events",
            numbers[_POLLED],
        )
        yield CounterMetricFamily(
            "wit_watch_poll_fallbacks",
            "Times when events were lost, and all was looked at",
            numbers[_FALLBACKS],
        )
        syncs = CounterMetricFamily("wit_watch_syncs", "Syncs that ended", labels=["state"])
        for place, state in enumerate(_STATES):
            syncs.add_metric([state], numbers[_SYNCS + place])
        yield syncs
        yield self._histogram("wit_watch_sync_duration_seconds", "How long a sync took", _DURATION)
        yield self._histogram(
            "wit_watch_detection_seconds",
            "From the publication of an operation to its being known",
            _DETECTION,
        )

    def _observe(self, cell: int, seconds: float) -> None:
        self._numbers[cell + bisect_left(BOUNDS_S, seconds)] += 1
        self._numbers[cell + CELL - 1] += seconds

    def _histogram(self, name: str, text: str, cell: int) -> Metric:
        counts = list(self._numbers[cell : cell + CELL - 1])
        return HistogramMetricFamily(
            name,
            text,
            buckets=list(cumulative(counts)),
            sum_value=self._numbers[cell + CELL - 1],
        )
