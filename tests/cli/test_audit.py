"""``wit-admin audit``: what commands did, who did it, and never a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support import forker
from wit_admin.cli import _login
from wit_admin.cli._login import login_uid
from wit_admin.db.engine import open_engine


def run(url: str, *arguments: str, code: int = 0, given: str = "") -> str:
    done = forker.run(arguments, {**os.environ, "DATABASE_URL": url}, given)
    assert done.returncode == code, done.stderr
    return done.stdout.strip()


def test_each_command_that_changes_something_is_told_without_secrets(
    database_url: str, tmp_path: Path
) -> None:
    run(database_url, "user", "create", "alice", "--password-stdin", given="correct horse\n")
    token = json.loads(run(database_url, "token", "create", "alice", "--json"))
    run(database_url, "token", "revoke", token["id"])
    secret = run(database_url, "session", "create", "alice")
    run(database_url, "session", "revoke", "--user", "alice")

    told = run(database_url, "audit", "list", "--json")

    entries = json.loads(told)
    assert [entry["action"] for entry in entries[::-1]] == [
        "user.create",
        "token.create",
        "token.revoke",
        "session.create",
        "user.sign_out",
    ]
    assert {(entry["origin"], entry["os_uid"]) for entry in entries} == {("cli", login_uid())}
    assert not any(word in told for word in (token["token"], secret, "correct horse", "argon2"))
    assert run(database_url, "audit", "verify").startswith("5 ")


@pytest.mark.parametrize(
    ("said", "expected"),
    [("1234", 1234), ("4294967295", os.getuid()), ("65534", os.getuid()), ("", os.getuid())],
)
def test_who_logged_in_is_told_behind_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: int
) -> None:
    (tmp_path / "loginuid").write_text(said)
    monkeypatch.setattr(_login, "_LOGIN_UID", tmp_path / "loginuid")

    assert login_uid() == expected


def test_trail_that_is_not_whole_is_refused_with_the_event(database_url: str) -> None:
    run(database_url, "user", "create", "alice")
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit_events SET target_name = 'bob'"))
    engine.dispose()

    said = run(database_url, "audit", "verify", "--json", code=1)

    assert not said


def test_following_prints_one_object_a_line(database_url: str) -> None:
    run(database_url, "user", "create", "alice")
    with subprocess.Popen(
        [sys.executable, "-m", "wit_admin", "audit", "list", "--follow", "--json"],
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        first = json.loads(following.stdout.readline())
        run(database_url, "user", "create", "bob")
        second = json.loads(following.stdout.readline())
        following.terminate()

    assert [first["target_name"], second["target_name"]] == ["alice", "bob"]


def test_changes_of_the_schema_are_told(empty_database_url: str) -> None:
    run(empty_database_url, "db", "migrate")
    run(empty_database_url, "db", "rollback", "--to", "0002", "--yes")
    run(empty_database_url, "db", "migrate")

    (entry,) = json.loads(run(empty_database_url, "audit", "list", "--json"))

    assert entry["action"] == "database.migrate"
    assert entry["before"] == {"revision": "0002"}
