"""Lists of accounts, tokens and sessions: narrowed, and read in parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner, Result

from wit_admin.cli._root import app
from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import AccessToken, User
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.changes import block_user, edit_user
from wit_admin.services.accounts.sessions import create_session
from wit_admin.services.accounts.tokens import TokenOrder, create_token

Sessions = sessionmaker[Session]


on_both_databases = pytest.mark.usefixtures("database_in_settings")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="wit-admin")


def listed(*arguments: str, field: str) -> list[str]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return [row[field] for row in json.loads(result.stdout)]


def in_parts(step: Callable[[list[str]], list[str]]) -> Iterator[str]:
    """Yield the rows of a list, two at a time, each part after the last row of the one before."""
    after: list[str] = []
    while part := step(["--limit=2", *after]):
        yield from part
        after = [f"--after={part[-1]}"]


@on_both_databases
def test_users_are_narrowed_and_read_in_parts(sessions: Sessions) -> None:
    for name in ("Zoe", "alice", "Bob", "carol", "dan"):
        create_user(sessions, name, is_admin=name in {"Zoe", "alice"})
    edit_user(sessions, "dan", full_name="Daniel Carolus")
    block_user(sessions, "alice")
    with sessions.begin() as session:
        session.add(User(name="octo", is_placeholder=True))

    def names(*options: str) -> list[str]:
        return listed("user", "list", *options, field="username")

    assert names() == ["alice", "Bob", "carol", "dan", "octo", "Zoe"]
    assert names("--admins") == ["alice", "Zoe"]
    assert names("--admins", "--not-blocked") == ["Zoe"]
    assert names("--blocked") == ["alice"]
    assert names("--placeholders") == ["octo"]
    assert names("--no-admins", "--no-placeholders") == ["Bob", "carol", "dan"]
    assert names("--match=CAROL") == ["carol", "dan"]
    assert names("--match=%") == names("--match=nobody") == []
    assert list(in_parts(lambda options: names(*options))) == names()


@on_both_databases
def test_tokens_are_narrowed_and_read_in_parts_newest_first(sessions: Sessions) -> None:
    for name in ("alice", "bob"):
        create_user(sessions, name)
    orders = {
        "old": TokenOrder("old", [Scope.REPO_READ], lifetime=timedelta(days=1)),
        "ci": TokenOrder("ci", [Scope.REPO_READ, Scope.REPO_WRITE]),
        "ops": TokenOrder("ops", [Scope.ADMIN], lifetime=timedelta(days=1)),
    }
    ids = {
        name: str(create_token(sessions, "alice", order=order).id) for name, order in orders.items()
    }
    create_token(sessions, "bob", order=orders["ci"])
    with sessions.begin() as session:
        old = session.query(AccessToken).filter_by(name="old").one()
        old.expires_at = utc_now() - timedelta(seconds=1)

    def names(*options: str) -> list[str]:
        return listed("token", "list", "alice", *options, field="name")

    assert names() == ["ops", "ci", "old"]
    assert (names("--expired"), names("--not-expired")) == (["old"], ["ops", "ci"])
    assert (names("--scope=repo:read"), names("--scope=admin")) == (["ci", "old"], ["ops"])
    assert names("--limit=1", f"--after={ids['ops']}") == ["ci"]
    everybody = listed("token", "list", field="id")
    assert len(everybody) == 4
    parts = in_parts(lambda options: listed("token", "list", *options, field="id"))
    assert list(parts) == everybody


@on_both_databases
def test_sessions_are_read_in_parts_newest_first(sessions: Sessions) -> None:
    create_user(sessions, "alice")
    made = [str(create_session(sessions, "alice", lifetime=timedelta(days=1)).id) for _ in range(3)]

    parts = in_parts(lambda options: listed("session", "list", "alice", *options, field="id"))

    assert list(parts) == made[::-1]


@on_both_databases
@pytest.mark.parametrize("command", ["token", "session"])
def test_list_of_an_unknown_account_is_refused(command: str) -> None:
    result = run(command, "list", "nobody")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no user nobody." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["user", "list", "--limit=0"],
        ["user", "list", "--match=\udcff"],
        ["token", "list", "--after=1"],
        ["token", "list", "--scope=all"],
        ["session", "list", "--after=alice"],
        ["org", "list", "--match=\x1b[2J"],
        ["org", "member", "list", "acme", "--role=king"],
        ["team", "list", "acme", "--limit=-1"],
        ["team", "repo", "add", "acme/core", "demo", "--permission=triage"],
    ],
    ids=" ".join,
)
def test_odd_narrowing_is_a_wrong_command_line(arguments: list[str]) -> None:
    result = run(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")


@on_both_databases
def test_who_may_not_sign_in_gets_no_session_and_no_token(sessions: Sessions) -> None:
    create_user(sessions, "alice")
    block_user(sessions, "alice")
    with sessions.begin() as session:
        session.add(User(name="octo", is_placeholder=True))

    for command, name, reason in (
        ("session", "alice", "is blocked"),
        ("session", "octo", "is a placeholder"),
        ("token", "octo", "is a placeholder"),
    ):
        result = run(command, "create", name)

        assert (result.exit_code, result.stdout) == (1, "")
        assert f"{name} {reason}" in result.stderr
