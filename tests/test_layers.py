"""The layers of the package import downwards only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_layers_point_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")

    result = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["-h"],
        [],
        ["token", "-h"],
        ["token", "create", "--help"],
        ["--complete", "token", "cr"],
    ],
    ids=" ".join,
)
def test_stored_answers_import_no_library(arguments: list[str]) -> None:
    result = run_and_list_modules(arguments)

    assert "wit_admin.cli._quick" in result
    assert not {"typer", "sqlalchemy", "pygit2", "json", "dataclasses"} & result


def test_help_that_is_not_stored_imports_nothing_heavier_than_typer() -> None:
    result = run_and_list_modules(["--quiet", "token", "create", "alice", "--help"])

    assert "typer" in result
    assert not {"sqlalchemy", "pygit2", "psycopg", "starlette", "pydantic", "rich"} & result


def run_and_list_modules(arguments: list[str]) -> set[str]:
    code = (
        "import sys; sys.argv[0] = 'wit-admin'\n"
        "from wit_admin.__main__ import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    return set(result.stderr.splitlines())
