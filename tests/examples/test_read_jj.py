"""The example that reads a jj repository does what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.jj_fixtures import unpack_fixture

ROOT = Path(__file__).parent.parent.parent


def run(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "examples/read_jj.py", path],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_example_shows_changes_bookmarks_and_operations(tmp_path: Path) -> None:
    workspace = unpack_fixture("0.45.1/conflicts_kinds", tmp_path).workspace

    result = run(workspace)

    assert result.returncode == 0, result.stderr
    assert "deleted.txt" in result.stdout
    assert "new empty commit" not in result.stdout
    assert " snapshot\n" in result.stdout


def test_example_says_where_there_is_no_repository(tmp_path: Path) -> None:
    result = run(tmp_path)

    assert result.returncode == 1
    assert result.stderr.startswith("There is no jj repository")
