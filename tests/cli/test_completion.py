"""Shells complete commands and options with the scripts that we print."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.terminal import make_program

BASH = """
set -u
eval "$(wit-admin completion bash)"
read -ra COMP_WORDS <<< "$LINE"
[[ $LINE != *" " ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_wit_admin wit-admin
printf "%s\\n" "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { :; }
_files() { print files; }
compadd() { print -l -- $found; }
eval "$(wit-admin completion zsh)"
words=(${(s: :)LINE}); [[ $LINE != *" " ]] || words+=("")
CURRENT=$#words
_wit_admin
"""
FISH = """
wit-admin completion fish | source
complete --do-complete "$LINE" | string split --fields 1 \\t
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
LINES = [
    ("wit-admin to", ["token"]),
    ("wit-admin token cr", ["create"]),
    ("wit-admin --quiet token ", ["create", "list", "revoke"]),
    ("wit-admin token create alice --exp", ["--expires"]),
    ("wit-admin completion f", ["fish"]),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
@pytest.mark.parametrize("shell", SCRIPTS)
def test_shell_completes(tmp_path: Path, shell: str, line: str, expected: list[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")

    result = subprocess.run(
        [shell, "-c", SCRIPTS[shell]],
        env={"PATH": make_program(tmp_path), "HOME": str(tmp_path), "LINE": line},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.stdout.splitlines(), result.stderr) == (expected, "")


def test_file_names_follow_an_option_that_takes_a_value(tmp_path: Path) -> None:
    program = make_program(tmp_path)

    result = subprocess.run(
        ["wit-admin", "--complete", "--home", ""],
        env={"PATH": program},
        capture_output=True,
        check=True,
    )

    assert result.stdout == b""
