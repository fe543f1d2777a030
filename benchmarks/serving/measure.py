"""Paired rounds: both servers do the same one right after the other, and ratios are compared.

The machine is shared and its speed drifts; a ratio of neighbours in time does not care.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.serving.peers import Peer

Operation = Callable[[], int]
"""What is timed; it returns how many times the work was done."""

Prepare = Callable[..., AbstractContextManager[Operation]]
"""Called with a server and names of repositories."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing that clients do."""

    name: str
    repositories: tuple[str, ...]
    prepare: Prepare
    """Makes ready what the work needs and clears up after it; not timed."""
    wall_goal: float = 1.0
    cpu_goal: float = 1.0
    share: float = 1.0
    """Of the rounds: long work has fewer."""
    is_replay: bool = False

    def rounds(self, wanted: int) -> int:
        """Return how often it is measured."""
        return max(1, round(wanted * self.share))


@dataclass(frozen=True, slots=True)
class Sample:
    """Cost of the work once, on average over one measurement."""

    wall_s: float
    cpu_s: float | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much less the server under test costs: 2 means half of what the other costs."""

    median: float
    low: float
    high: float
    """The quartiles of the rounds."""
    goal: float

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached, as far as two digits tell."""
        return round(self.median, 2) >= self.goal


@dataclass(frozen=True, slots=True)
class Result:
    """All samples of one workload by server, in the order of the rounds."""

    workload: Workload
    samples: Mapping[str, Sequence[Sample]]

    def median_wall_s(self, peer: str) -> float:
        """Return the typical wall time of the work."""
        return statistics.median(sample.wall_s for sample in self.samples[peer])

    def median_cpu_s(self, peer: str) -> float | None:
        """Return the typical server CPU of the work, if it could be measured."""
        return _median(sample.cpu_s for sample in self.samples[peer])

    def wall_ratio(self, ours: str, other: str) -> Ratio:
        """Compare what a client waits for."""
        pairs = zip(self.samples[ours], self.samples[other], strict=True)
        return _ratio(
            [theirs.wall_s / own.wall_s for own, theirs in pairs], self.workload.wall_goal
        )

    def cpu_ratio(self, ours: str, other: str) -> Ratio | None:
        """Compare what the servers spend."""
        pairs = zip(self.samples[ours], self.samples[other], strict=True)
        ratios = [theirs.cpu_s / own.cpu_s for own, theirs in pairs if own.cpu_s and theirs.cpu_s]
        return _ratio(ratios, self.workload.cpu_goal) if ratios else None


def measure(workload: Workload, peers: Sequence[Peer], rounds: int) -> Result:
    """Run a workload in turns, A B B A …, after one turn each that does not count."""
    samples: dict[str, list[Sample]] = {peer.name: [] for peer in peers}
    for peer in peers:
        _measure_once(workload, peer)
    for number in range(workload.rounds(rounds)):
        for peer in peers if number % 2 == 0 else reversed(peers):
            samples[peer.name].append(_measure_once(workload, peer))
    return Result(workload, samples)


def _measure_once(workload: Workload, peer: Peer) -> Sample:
    with workload.prepare(peer, *workload.repositories) as operate:
        cpu_before = _cpu_at_rest(peer)
        started = time.perf_counter()
        times = operate()
        wall_s = time.perf_counter() - started
        cpu_after = _cpu_at_rest(peer)
    if cpu_before is None or cpu_after is None:
        return Sample(wall_s / times, None)
    return Sample(wall_s / times, (cpu_after - cpu_before) / times)


def _cpu_at_rest(peer: Peer) -> float | None:
    if peer.group is None:
        return None
    peer.group.settle()
    return peer.group.used_s()


def _ratio(ratios: Sequence[float], goal: float) -> Ratio:
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0], goal)
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(median, low, high, goal)


def _median(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
