"""Arguments without sense: refused with a sentence that fits on a screen, and never a bug."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner, Result

from tests.support.builders import make_demo
from wit_admin.cli._root import app

HUGE = "9" * 26
LONG = "x" * 10_240
TURNED = "\u202egro.live"
"""Is shown from right to left, if it is let through."""


@pytest.fixture
def _demo(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)


def run(url: str, *arguments: str) -> Result:
    return CliRunner(env={"DATABASE_URL": url}).invoke(app, arguments, prog_name="wit-admin")


@pytest.mark.usefixtures("_demo")
@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "list", "--limit", HUGE),
        ("org", "list", "--limit", HUGE),
        ("token", "list", "--limit", HUGE),
        ("repo", "list", "--limit", HUGE),
        ("audit", "list", "--limit", HUGE),
        ("audit", "list", "--before", HUGE),
        ("audit", "list", "--before", "-1"),
        ("db", "sql", "--to", ""),
        ("token", "create", "alice", "--name", LONG),
        ("token", "create", "alice", "--name", "a\x1b[31m"),
        ("token", "create", "alice", "--expires", f"{HUGE}d"),
        ("repo", "create", "alice/new", "--default-branch", LONG),
        ("repo", "create", "alice/new", "--default-branch", f"a/{'b' * 251}"),
        ("repo", "create", "alice/new", "--default-branch", "a/" * 600 + "b"),
        ("repo", "restore", "alice/demo", "--as", ""),
        ("protect", "add", "alice/demo", "main", "--max-blob", HUGE),
        ("access", "explain", "alice", LONG),
        ("user", "create", LONG),
        ("user", "create", TURNED),
        (LONG,),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_rubbish_is_refused_with_a_sentence(database_url: str, arguments: tuple[str, ...]) -> None:
    done = run(database_url, *arguments)

    assert done.exit_code in {1, 2}, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr) < 2500


@pytest.mark.usefixtures("_demo")
def test_names_in_errors_steer_no_terminal(database_url: str) -> None:
    turned = run(database_url, "access", "explain", TURNED, "alice/demo").stderr
    long = run(database_url, "user", "show", LONG).stderr

    assert "There is no user \\u202egro.live." in turned
    assert "xx … xx" in long
    assert long.endswith("See 'wit-admin user list'.\n")
