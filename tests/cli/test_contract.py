"""What holds for every command: help, JSON, exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperArgument, TyperGroup
from typer.testing import CliRunner, Result

from wit_admin.cli import _quick, _stored
from wit_admin.cli._commands import COMMANDS as SUMMARIES
from wit_admin.cli._commands import LazyGroup
from wit_admin.cli._options import AsJson
from wit_admin.cli._root import app, root

ROOT = Path(__file__).parent.parent.parent
TREE = {path: (command, ctx) for path, command, ctx in _stored.walk()}
COMMANDS = [
    path
    for path, (command, _) in TREE.items()
    if not isinstance(command, TyperGroup) or command.invoke_without_command
]
"""What does something; most groups do not."""
PRINTS_NO_DATA = {"serve"}
NEEDS_NO_SETTINGS = {"completion"}


def run(*arguments: str, **variables: str) -> Result:
    return CliRunner(env=variables).invoke(app, arguments, prog_name="wit-admin")


def line_for(path: str) -> list[str]:
    """Return a command line that the parser takes."""
    values = {
        "SHELL": "bash",
        "ID": str(uuid.UUID(int=1)),
        "OWNER/REPO": "alice/demo",
        "ORG/TEAM": "acme/core",
        "public|private": "public",
    }
    command, ctx = TREE[path]
    needed = [
        values.get(parameter.make_metavar(ctx).strip("{}[]."), "name")
        for parameter in command.params
        if isinstance(parameter, TyperArgument) and parameter.required
    ]
    needed += [
        f"{parameter.opts[0]}=name"
        for parameter in command.params
        if not isinstance(parameter, TyperArgument) and parameter.required
    ]
    return [*path.split(), *needed, *(["--yes"] if "--yes" in options_of(command) else [])]


def options_of(command: Any) -> list[str]:
    return [name for parameter in command.params for name in parameter.opts]


def error_in(result: Result) -> dict[str, str]:
    """Return the error of a run that printed it as JSON, and nothing else."""
    assert result.stdout == ""
    content: dict[str, dict[str, str]] = json.loads(result.stderr)
    assert set(content) == {"error"}
    assert set(content["error"]) == {"kind", "message", "hint"}
    return content["error"]


@pytest.mark.parametrize("path", TREE)
def test_every_command_has_help_with_an_example(path: str) -> None:
    command, _ = TREE[path]
    summary, *_, example = command.help.splitlines()

    assert re.fullmatch(r"[A-Z][a-z]+ .*[^.]", summary)
    assert not re.match(r"\w+([^s]s|ed|(?<!Br)ing)\b", summary), "The first word is an imperative."
    assert example.startswith(f"Example: wit-admin {path}".rstrip())


@pytest.mark.parametrize("path", SUMMARIES)
def test_help_of_the_root_says_of_each_command_what_its_own_help_says(path: str) -> None:
    assert TREE[path][0].help.startswith(f"{SUMMARIES[path]}\n")


@pytest.mark.parametrize("path", TREE)
def test_every_command_takes_short_and_long_help(path: str) -> None:
    short, long = run(*path.split(), "-h"), run(*path.split(), "--help")

    stored = Path(_quick.FOLDER, ".".join(["wit-admin", *path.split()]) + ".txt").read_text()
    assert short.stdout == long.stdout == stored
    assert short.exit_code == 0


def test_readme_lists_every_command_and_no_other() -> None:
    table = (ROOT / "README.md").read_text().partition("| command |")[2].partition("\n\n")[0]
    listed = []
    for row in table.splitlines()[2:]:
        group = ""
        for name in re.findall("`([^`]+)`", row.split("|")[1]):
            path = name if name in COMMANDS else f"{group} {name}"
            group = path.partition(" ")[0]
            listed.append(path)

    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - PRINTS_NO_DATA))
def test_every_command_that_prints_data_can_print_json(path: str) -> None:
    assert "--json" in options_of(TREE[path][0])


@pytest.mark.parametrize("path", COMMANDS)
def test_wrong_command_line_is_an_error_object_when_json_was_asked_for(path: str) -> None:
    result = run(*path.split(), "--no-such-option", "--json")

    assert result.exit_code == 2
    assert error_in(result)["kind"] == "invalid_input"
    assert error_in(result)["hint"] == f"See 'wit-admin {path} --help'."


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - PRINTS_NO_DATA - NEEDS_NO_SETTINGS))
def test_unusable_setting_is_an_error_object_when_json_was_asked_for(path: str) -> None:
    result = run(*line_for(path), "--json", PORT="a secret")

    assert result.exit_code == 3
    assert error_in(result)["kind"] == "config"
    assert "env PORT" in error_in(result)["message"]
    assert "secret" not in result.stderr


@pytest.mark.parametrize("path", [path for path in TREE if path not in COMMANDS])
def test_group_without_a_command_shows_its_help_on_stderr(path: str) -> None:
    result = run(*path.split())

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"{TREE[path][0].get_help(TREE[path][1])}\n"


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["tokn"], "Did you mean 'token'?"),
        (["token", "crate"], "Did you mean 'create'?"),
        (["token", "list", "--jsn"], "Possible options: --json"),
    ],
)
def test_misspelt_word_gets_a_suggestion(arguments: list[str], suggestion: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert suggestion in result.stderr


class Broken(LazyGroup):
    """A command line with a bug, or two."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        inner = typer.Typer(add_completion=False)
        inner.command()(fail if cmd_name == "config" else complain_of_interruption)
        return typer.main.get_command(inner)


def fail(as_json: AsJson = False) -> None:  # noqa: FBT002  Typer passes it by name
    raise KeyError("secret")


def complain_of_interruption(as_json: AsJson = False) -> None:  # noqa: FBT002  likewise
    """Do as a database driver does that Ctrl-C meets while it asks something."""
    try:
        raise KeyboardInterrupt
    finally:
        raise OSError("The connection is busy.")


def run_broken(*arguments: str) -> Result:
    broken = typer.Typer(cls=Broken, add_completion=False)
    broken.callback()(root)
    return CliRunner().invoke(broken, arguments)


@pytest.mark.usefixtures("database_in_settings")
def test_root_is_told_that_the_home_is_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIT_HOME", str(tmp_path))
    if os.geteuid() == 0:
        shutil.chown(tmp_path, "nobody")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    told = CliRunner().invoke(app, ["user", "list"])
    # NFS may refuse root what it lets the owner see; this error is as good.
    (tmp_path / "plain").touch()
    monkeypatch.setenv("WIT_CONFIG", str(tmp_path / "plain"))
    monkeypatch.setenv("WIT_HOME", str(tmp_path / "plain" / "home"))
    unseen = CliRunner().invoke(app, ["user", "list"])
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    other = CliRunner().invoke(app, ["user", "list"])

    assert (told.exit_code, told.stdout) == (0, "")
    assert f"Better: sudo -u {tmp_path.owner()} wit-admin" in told.stderr
    assert unseen.stderr == other.stderr == ""


def test_bug_is_told_in_a_sentence_and_gives_70() -> None:
    result = run_broken("config")

    assert result.exit_code == 70
    assert result.stderr.startswith("Error: This is a bug in wit-admin (KeyError).\nHint: ")
    assert "secret" not in result.stderr


def test_bug_is_an_error_object_when_json_was_asked_for() -> None:
    result = run_broken("config", "--json")

    assert result.exit_code == 70
    assert error_in(result)["kind"] == "internal"


def test_interruption_that_something_complains_of_gives_130() -> None:
    result = run_broken("audit")

    assert result.exit_code == 130
    assert result.stderr == ""


def test_bug_shows_its_traceback_when_debugging() -> None:
    result = run_broken("--log-level", "debug", "config")

    assert result.exit_code == 70
    assert "Traceback" in result.stderr
    assert "KeyError: 'secret'" in result.stderr
