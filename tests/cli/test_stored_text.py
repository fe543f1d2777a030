"""Help and completion come from stored text, which says what Typer says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wit_admin.cli import _quick, _stored

WORDS = """\
\tserve token --home= --quiet --help
serve\t--port= --help
token\tcreate list --help
token create\t--expires= --json --help
"""


def test_stored_text_is_what_typer_renders() -> None:
    rendered = _stored.render_all()

    stored = {file.name: file.read_text() for file in Path(_quick.FOLDER).glob("*.txt")}
    assert stored == rendered, "Run 'make help-text'."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["to"], ["token"]),
        ([""], ["serve", "token"]),
        (["-"], ["--home", "--quiet", "--help"]),
        (["token", "cr"], ["create"]),
        (["--home", "x", "token", ""], ["create", "list"]),
        (["--home", "token", "se"], ["serve"]),
        (["--quiet", "token", "l"], ["list"]),
        (["token", "create", "alice", "--e"], ["--expires"]),
        (["token", "create", "--expires", ""], []),
        (["token", "create", "serv"], []),
        (["nonsense", "--what", "x"], []),
        ([], ["serve", "token"]),
    ],
)
def test_last_word_is_completed_from_its_command(words: list[str], expected: list[str]) -> None:
    assert _quick.complete(words, WORDS) == expected


@pytest.mark.parametrize("columns", ["40", "200"])
def test_help_is_the_same_at_every_width_and_way(columns: str) -> None:
    results = [
        subprocess.run(
            [sys.executable, "-m", "wit_admin", *arguments],
            env={"COLUMNS": columns},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for arguments in (["token", "create", "-h"], ["token", "create", "alice", "-h"])
    ]

    stored = Path(_quick.FOLDER, "wit-admin.token.create.txt").read_text()
    assert results == [stored, stored]
