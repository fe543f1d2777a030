"""The benchmarks still run: their side of this package, without nginx."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


def test_benchmark_measures_wit_alone(tmp_path: Path) -> None:
    line = ["-m", "benchmarks.serve_vs_nginx", "--wit-alone", "--json", "--cache", str(tmp_path)]

    result = subprocess.run(
        [sys.executable, *line, "--rounds", "1", "--only", "ls-remote"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    (workload,) = json.loads(result.stdout)["workloads"]
    (sample,) = workload["samples"]["wit"]
    assert workload["name"] == "ls-remote"
    assert 0 < sample["wall_s"] < 10
