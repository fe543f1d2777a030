"""``wit-admin access explain``: the answer as exit code, as text and as JSON."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner, Result

from tests.support.builders import make_demo
from wit_admin.cli._root import app
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.tokens import TokenOrder, create_token


@pytest.fixture
def demo(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)


def explain(url: str, *arguments: str, given: str = "") -> Result:
    return CliRunner(env={"DATABASE_URL": url}).invoke(
        app, ["access", "explain", *arguments], input=given, prog_name="wit-admin"
    )


@pytest.mark.usefixtures("demo")
def test_answer_is_text_json_and_exit_code(database_url: str) -> None:
    allowed = explain(database_url, "alice", "alice/demo", "--action", "push")
    denied = explain(database_url, "--anonymous", "alice/demo", "--json")

    assert (allowed.exit_code, denied.exit_code) == (0, 1)
    assert allowed.stdout == "allowed\nThe repository is private.\nalice owns it.\nMay push.\n"
    assert json.loads(denied.stdout) == {
        "allowed": False,
        "username": None,
        "repository": "alice/demo",
        "ref": None,
        "action": "read",
        "rules": ["The repository is private.", "Nobody is signed in."],
    }


@pytest.mark.usefixtures("demo")
def test_token_comes_from_stdin(database_url: str, sessions: sessionmaker[Session]) -> None:
    order = TokenOrder("test", [Scope.REPO_READ])
    token = create_token(sessions, "alice", order=order)

    said = explain(
        database_url,
        "alice",
        "alice/demo",
        "--action=push",
        "--token-stdin",
        given=f"{token.token}\n",
    )

    assert said.exit_code == 1
    assert said.stdout.splitlines()[-1] == "The token lacks the scope repo:write."


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("alice/demo",), 2, "Give a user and a repository."),
        (("--anonymous", "alice", "alice/demo"), 2, "'alice' does not name a repository"),
        (("alice", "alice/demo", "main", "x"), 2, "Give a user and a repository."),
        (("alice", "alice/demo", "main"), 2, "A ref matters for push, force and delete only."),
        (("alice", "alice/demo", "--action", "force"), 2, "Give the ref"),
        (("alice", "alice/demo", "a..b", "--action", "force"), 2, "'a..b' cannot be a ref."),
        (("alice", "demo"), 2, "does not name a repository"),
        (("alice", "alice/demo", "--action", "eat"), 2, "'eat' is not a valid action."),
        (("--anonymous", "alice/demo", "--token-stdin"), 2, "is not anonymous"),
        (("alice", "alice/demo", "--token", "x"), 2, "'x' is not an id"),
        (("bob", "alice/demo"), 1, "There is no user bob."),
    ],
)
@pytest.mark.usefixtures("demo")
def test_bad_question_is_an_error(
    database_url: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = explain(database_url, *arguments)

    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""
