"""``user`` as scripts call it: what is on stdout, and what a second run does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner, Result

from wit_admin.cli._root import app
from wit_admin.db.models.accounts import User
from wit_admin.services.access.credentials import PasswordChecker
from wit_admin.services.accounts.changes import show_user
from wit_admin.services.lookups import get_user

Sessions = sessionmaker[Session]


pytestmark = pytest.mark.usefixtures("database_in_settings")


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin, prog_name="wit-admin")


def lets_in(sessions: Sessions, name: str, password: str) -> bool:
    with sessions() as session:
        return PasswordChecker().check(get_user(session, name).password_hash, password)


def test_generated_password_is_all_that_is_printed(sessions: Sessions) -> None:
    made = run("user", "create", "alice", "--generate-password")
    changed = run("user", "passwd", "alice", "--generate-password")
    with sessions.begin() as session:
        session.add(User(name="octo", is_placeholder=True))
    claimed = run("user", "claim", "octo", "--generate-password", "--json")

    for result in (made, changed):
        assert result.stdout.count("\n") == 1
        assert result.stdout.strip() not in result.stderr
    assert made.stdout != changed.stdout
    assert not lets_in(sessions, "alice", made.stdout.strip())
    assert lets_in(sessions, "alice", changed.stdout.strip())
    assert lets_in(sessions, "octo", json.loads(claimed.stdout)["password"])


def test_second_run_says_that_it_is_there_and_prints_no_name_for_a_password(
    sessions: Sessions,
) -> None:
    run("user", "create", "alice")

    again = run("user", "create", "Alice", "--if-not-exists")
    wanted = run("user", "create", "alice", "--if-not-exists", "--generate-password")
    as_json = run("user", "create", "alice", "--if-not-exists", "--generate-password", "--json")
    plain = run("user", "create", "alice")

    assert (again.exit_code, again.stdout) == (0, "alice\n")
    assert "exists already" in again.stderr
    assert (wanted.exit_code, wanted.stdout) == (0, "")
    assert not json.loads(as_json.stdout)["is_new"]
    assert "password" not in json.loads(as_json.stdout)
    assert plain.exit_code == 1
    assert not show_user(sessions, "alice").has_password


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (["--password-stdin", "--generate-password"], b"", "cannot be used together"),
        (["--password-stdin"], b"", "at least 8"),
        (["--password-stdin"], b"\xff\xfe\n", "not text"),
        (["--password-stdin"], b"x" * 1025, "at most 1024"),
        (["--email", "nowhere"], b"", "not an e-mail address"),
    ],
)
def test_odd_password_or_address_is_a_wrong_command_line(
    arguments: list[str], stdin: bytes, sentence: str
) -> None:
    result = run("user", "create", "alice", *arguments, stdin=stdin)

    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_every_edit_is_shown() -> None:
    run("user", "create", "alice")
    edits: dict[str, Any] = {
        "full_name": "Alice",
        "email": "a@example.org",
        "bio": "Falls\ninto holes",
        "location": "Oxford",
        "website": "https://example.org",
        "avatar_url": "https://example.org/a.png",
    }
    options = [f"--{name.replace('_', '-')}={value}" for name, value in edits.items()]

    shown = run("user", "edit", "alice", *options, "--admin", "--json")
    cleared = run("user", "edit", "alice", "--bio=", "--no-admin", "--json")
    nothing = run("user", "edit", "alice")

    assert json.loads(shown.stdout).items() >= {**edits, "is_admin": True}.items()
    assert json.loads(cleared.stdout).items() >= {**edits, "bio": None, "is_admin": False}.items()
    assert nothing.exit_code == 2


@pytest.mark.parametrize(
    "command",
    ["block bob", "edit bob --no-admin", "merge bob carol --dry-run", "delete bob --yes"],
)
def test_who_takes_away_the_last_administrator_is_told(command: str) -> None:
    run("user", "create", "alice", "--admin")
    run("user", "create", "bob", "--admin")
    run("user", "create", "carol")

    first = run("user", "block", "alice")
    second = run("user", *command.split())

    assert "last account" not in first.stderr
    assert "bob is the last account that may administer the site" in second.stderr


def test_revocation_of_sessions_is_shown_before() -> None:
    run("user", "create", "alice")
    ids = [json.loads(run("session", "create", "alice", "--json").stdout)["id"] for _ in range(2)]

    shown = run("session", "revoke", "--user", "alice", "--dry-run", "--json")
    one = run("session", "revoke", ids[0], "--dry-run")

    assert json.loads(shown.stdout)["counts"] == {"revoke": 2}
    assert one.stdout.count("\n") == 1
    assert ids[0] in one.stdout
    assert run("session", "revoke", "--user", "alice").stdout == "2\n"
    assert run("session", "revoke", "--user", "alice", "--dry-run").stdout == ""
