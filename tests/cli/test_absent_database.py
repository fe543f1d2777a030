"""The first command of a newcomer, before there is anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_command_before_the_first_serve_says_what_makes_the_database(tmp_path: Path) -> None:
    home = tmp_path / "absent"

    result = subprocess.run(
        [sys.executable, "-m", "wit_admin", "--home", str(home), "user", "list"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 3
    assert "There is no database yet" in result.stderr
    assert "wit-admin serve" in result.stderr
    assert result.stdout == ""
    assert not home.exists()
