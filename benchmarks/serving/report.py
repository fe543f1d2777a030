"""What is printed: a line per workload for people, or one JSON object for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from benchmarks.serving.measure import Ratio, Result

OURS, OTHER = "wit", "nginx"
_COLUMNS = "{:<24} {:>6}  {:>9} {:>9} {:<22} {:<12}  {:>9} {:>9} {:<22} {:<10}"


def heading() -> str:
    """Return the names of the columns."""
    wall = (OTHER, OURS, "wall ratio", "goal")
    cpu = (f"{OTHER} CPU", f"{OURS} CPU", "CPU ratio", "goal")
    return _COLUMNS.format("workload", "rounds", *wall, *cpu).rstrip()


def line(result: Result) -> str:
    """Return medians, and ratios with their quartiles: above 1 wit is the cheaper one."""
    is_compared = OTHER in result.samples
    wall = result.wall_ratio(OURS, OTHER) if is_compared else None
    cpu = result.cpu_ratio(OURS, OTHER) if is_compared else None
    return _COLUMNS.format(
        result.workload.name,
        len(result.samples[OURS]),
        _wall(result, OTHER) if is_compared else "",
        _wall(result, OURS),
        *_ratio(wall),
        _milliseconds(result.median_cpu_s(OTHER)) if is_compared else "",
        _milliseconds(result.median_cpu_s(OURS)),
        *_ratio(cpu),
    ).rstrip()


def to_json(result: Result) -> dict[str, Any]:
    """Return all samples in seconds and the ratios."""
    wall = cpu = None
    if OTHER in result.samples:
        wall, cpu = result.wall_ratio(OURS, OTHER), result.cpu_ratio(OURS, OTHER)
    return {
        "name": result.workload.name,
        "samples": {
            name: [dataclasses.asdict(sample) for sample in samples]
            for name, samples in result.samples.items()
        },
        "wall_ratio": _ratio_to_json(wall),
        "cpu_ratio": _ratio_to_json(cpu),
    }


def summary(results: Sequence[Result]) -> str:
    """Return which goals are missed, if any."""
    missed = []
    for result in results:
        wall, cpu = result.wall_ratio(OURS, OTHER), result.cpu_ratio(OURS, OTHER)
        missed += [f"{result.workload.name} (wall)"] if not wall.is_met else []
        missed += [f"{result.workload.name} (CPU)"] if cpu and not cpu.is_met else []
    return f"Missed: {', '.join(missed)}." if missed else "All goals are met."


def _wall(result: Result, peer: str) -> str:
    seconds = result.median_wall_s(peer)
    return f"{1 / seconds:,.0f}/s" if result.workload.is_replay else _milliseconds(seconds)


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    value = seconds * 1000
    return f"{value:,.{3 if value < 1 else 1 if value < 100 else 0}f} ms"  # noqa: PLR2004


def _ratio(ratio: Ratio | None) -> tuple[str, str]:
    if ratio is None:
        return "", ""
    digits = 2 if ratio.median < 10 else 1  # noqa: PLR2004
    numbers = [f"{value:.{digits}f}" for value in (ratio.median, ratio.low, ratio.high)]
    verdict = "met" if ratio.is_met else "missed"
    return f"{numbers[0]}x ({numbers[1]} - {numbers[2]})", f">={ratio.goal:g} {verdict}"


def _ratio_to_json(ratio: Ratio | None) -> dict[str, Any] | None:
    return None if ratio is None else {**dataclasses.asdict(ratio), "is_met": ratio.is_met}
