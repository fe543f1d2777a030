"""Terminals, pipes and signals: nothing crashes, and nothing is printed that should not be."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from tests.cli.test_every_command import COMMANDS
from tests.support import forker
from tests.support.databases import SqliteDatabases
from tests.support.terminal import DEADLINE_S, read_until, run_on_terminal, start
from wit_admin.db.engine import open_engine
from wit_admin.db.models.accounts import AccessToken


@pytest.fixture
def _database(_sqlite: SqliteDatabases, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with _sqlite.create() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err


def test_table_on_a_terminal_is_bold_unless_that_is_unwanted() -> None:
    bold = run_on_terminal(["config", "show"], {"TERM": "xterm-256color"})
    no_color = run_on_terminal(["config", "show"], {"TERM": "xterm-256color", "NO_COLOR": "1"})
    dumb = run_on_terminal(["config", "show"], {"TERM": "dumb"})

    assert "\x1b[1m" in bold
    assert "\x1b" not in no_color + dumb
    assert no_color.split() == dumb.split()
    assert no_color.split()[:3] == ["setting", "value", "origin"]


def test_help_is_the_same_on_a_terminal_and_in_a_pipe() -> None:
    shown = run_on_terminal(["--help"], {"TERM": "xterm-256color"})

    code, printed, _ = finish(start(["--help"]))
    assert code == 0
    assert printed.decode() == shown


@pytest.mark.parametrize("arguments", [["--help"], ["config", "show"]])
def test_reader_that_leaves_ends_the_command_without_a_word(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(arguments, stdout=writing)
    os.close(writing)

    code, _, err = finish(process)

    assert (code, err) == (141, b"")


@pytest.mark.parametrize("arguments", [["--help"], ["config", "show"]])
def test_full_disk_is_told_in_a_sentence(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123  a device, not a path of ours
        code, _, err = finish(start(arguments, stdout=full))

    assert code == 4
    assert err.startswith(b"Error: ")
    assert b"No space left on device.\n" in err


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("db rollback", "needs a confirmation"),
        ("ssh-key add alice", "not a public key"),
        ("user create bob --password-stdin", "at least 8 characters"),
        ("access explain bob bob/demo --token-stdin", "no user bob"),
    ],
)
def test_standard_input_that_was_closed_is_like_an_empty_one(arguments: str, said: str) -> None:
    """Python has no sys.stdin then, which was called a bug of ours."""
    line = f'exec "$0" -m wit_admin {arguments} <&-'

    done = subprocess.run(
        ["sh", "-c", line, sys.executable], capture_output=True, check=False, timeout=DEADLINE_S
    )

    assert (done.returncode in {1, 2}, done.stdout) == (True, b"")
    assert said in done.stderr.decode()


@pytest.mark.usefixtures("_database")
def test_interrupt_gives_130_and_no_traceback() -> None:
    ours, theirs = pty.openpty()
    process = start(["db", "rollback"], stdin=theirs)
    read_until(process.stderr, b"[y/N] ")

    process.send_signal(signal.SIGINT)

    code, out, err = finish(process)
    os.close(ours)
    os.close(theirs)
    assert (code, out, err) == (130, b"", b"")


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize(("answer", "code"), [(b"\n", 1), (b"y\n", 0)])
def test_confirmation_takes_nothing_but_yes(answer: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    process = start(["db", "rollback", "--to", "base"], stdin=theirs)
    read_until(process.stderr, b"[y/N] ")

    os.write(ours, answer)

    assert finish(process)[0] == code
    os.close(ours)
    os.close(theirs)


@pytest.mark.usefixtures("_database")
def test_confirmation_without_a_terminal_names_the_flag() -> None:
    code, out, err = finish(start(["db", "rollback"], stdin=subprocess.DEVNULL))

    assert (code, out) == (2, b"")
    assert b"--yes" in err


@pytest.mark.usefixtures("_database")
def test_quiet_drops_notes_and_keeps_results_wherever_it_stands() -> None:
    loud = forker.run(["user", "create", "alice"], os.environ)

    assert (loud.returncode, loud.stdout) == (0, "alice\n")
    assert "Created the account alice." in loud.stderr
    for line in ("-q user create bob", "user create bob --quiet", "user create -q bob"):
        quiet = forker.run([*line.split(), "--if-not-exists"], os.environ)
        assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "bob\n", ""), line


def test_every_command_takes_quiet() -> None:
    assert {path for path, options in COMMANDS.items() if "--quiet" not in options} == set()


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_are_not_utf_8_do_not_crash(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}

    listed = finish(start(["token", "list", b"\xff\xfe"], env=environment))
    refused = finish(start(["user", "create", b"\xff", "--json"], env=environment))
    shown = finish(start(["--home", b"/tmp/\xff\xc3\xa4", "config", "show"], env=environment))

    assert listed[0] in {0, 1, 2}
    assert b"Traceback" not in listed[2]
    assert refused[0] == 2
    assert json.loads(refused[2])["error"]["kind"] == "invalid_input"
    assert shown[0] == 0
    if encoding == "utf-8":
        assert b"/tmp/\xff\xc3\xa4\t" in shown[1]


@pytest.mark.usefixtures("_database")
def test_control_characters_in_names_are_shown_not_obeyed() -> None:
    name = "x\x1b[31m\n[red]ä"
    create = ["token", "create", "alice", "--name"]
    assert forker.run(["user", "create", "alice"], os.environ).returncode == 0
    assert forker.run([*create, name], os.environ).returncode == 2
    assert forker.run([*create, "plain"], os.environ).returncode == 0
    engine = open_engine(os.environ["DATABASE_URL"])
    with engine.begin() as connection:
        # As older versions let it be called.
        connection.execute(update(AccessToken).values(name=name))
    engine.dispose()

    shown = run_on_terminal(["token", "list"], {"TERM": "dumb", "COLUMNS": "200"})
    printed = finish(start(["token", "list"]))[1].decode()

    assert "x\\x1b[31m\\n[red]ä" in shown
    assert printed.count("\n") == 1
    assert "x\\x1b[31m\\n[red]ä" in printed


@pytest.mark.usefixtures("_database")
def test_rollback_shows_what_it_would_undo_and_undoes_nothing() -> None:
    rollback = ["db", "rollback", "--dry-run", "--to"]
    before = forker.run(["db", "status"], os.environ)
    shown = forker.run([*rollback, "0007"], os.environ)
    unknown = forker.run([*rollback, "nowhere"], os.environ)
    forward = forker.run([*rollback, "+1"], os.environ)

    lines = [line.split("\t") for line in shown.stdout.splitlines()]
    assert [(kind, revision) for kind, revision, _ in lines][-1] == ("roll-back", "0008")
    assert (unknown.returncode, forward.returncode) == (2, 2)
    assert before.returncode == 0
    assert forker.run(["db", "status"], os.environ).stdout == before.stdout
