"""``wit-admin protect``: what is set is listed, and bad input is told."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner, Result

from tests.support.builders import make_demo, make_user
from wit_admin.cli._root import app
from wit_admin.services.owners.removal import close_account


@pytest.fixture(autouse=True)
def _demo(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)


def protect(url: str, *arguments: str) -> Result:
    return CliRunner(env={"DATABASE_URL": url}).invoke(
        app, ["protect", *arguments], prog_name="wit-admin"
    )


def test_protection_is_added_listed_and_removed(database_url: str) -> None:
    options = ("--allow-push", "alice", "--max-blob", "10m", "--allow-delete", "--check", "style")

    added = protect(database_url, "add", "alice/demo", "release/*", *options)
    listed = protect(database_url, "list", "alice/demo", "--json")
    removed = protect(database_url, "remove", "alice/demo", "release/*")

    assert added.stdout == "refs/heads/release/*\n"
    assert "checks/style can be run, these refs take no pushes" in added.stderr
    assert json.loads(listed.stdout) == [
        {
            "pattern": "refs/heads/release/*",
            "push_permission": "write",
            "allow_force": False,
            "allow_delete": True,
            "limits_pushers": True,
            "max_blob_bytes": 10 * 1024**2,
            "check_name": "style",
            "pushers": ["alice"],
        }
    ]
    assert removed.stdout == "refs/heads/release/*\n"
    assert protect(database_url, "list", "alice/demo").stdout == ""


def test_protection_whose_pushers_are_gone_is_told(
    database_url: str, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        bob = make_user(session, "bob")
    protect(database_url, "add", "alice/demo", "main", "--allow-push", "bob")
    before = protect(database_url, "list", "alice/demo")
    with sessions.begin() as session:
        close_account(session, bob)

    listed = protect(database_url, "list", "alice/demo")

    assert before.stderr == ""
    assert listed.stderr == (
        "Nobody may push to refs/heads/main any more: all who were named are gone."
        " To name others: wit-admin protect add\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("add", "alice/demo", "a..b"), 2, "'a..b' is not a pattern for refs."),
        (("add", "alice/demo", "[ab]"), 2, "'[ab]' is not a pattern for refs."),
        (("add", "alice/demo", "main", "--max-blob", "big"), 2, "'big' is no size."),
        (
            ("add", "alice/demo", "main", "--permission", "eat"),
            2,
            "'eat' is not a valid permission.",
        ),
        (("add", "alice/demo", "main", "--check", "../sh"), 2, "cannot name a check"),
        (("add", "alice/demo", "main", "--allow-push", "bob"), 1, "There is no user bob."),
        (("add", "alice/none", "main"), 1, "There is no repository alice/none."),
        (("remove", "alice/demo", "main"), 1, "has no protection refs/heads/main"),
    ],
)
def test_bad_input_changes_nothing(
    database_url: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = protect(database_url, *arguments)

    assert result.exit_code == code
    assert message in result.stderr
    assert protect(database_url, "list", "alice/demo").stdout == ""
