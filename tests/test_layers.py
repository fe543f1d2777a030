"""The layers of the package import downwards only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_layers_point_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")

    result = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from wit_admin.cli import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "print([m for m in ('sqlalchemy', 'pygit2', 'psycopg', 'starlette', 'pydantic')"
        " if m in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert result.stdout.strip() == b"[]"
