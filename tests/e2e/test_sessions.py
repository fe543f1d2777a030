"""A person signs in over HTTP and works with git until the session ends."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import KINDS
from tests.support.accounts import make_account, opened_database
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import UserSession
from wit_admin.services.access.credentials import digest_secret

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse"
JSON: dict[str, Any] = {"Content-Type": "application/json"}


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    folder = tmp_path_factory.mktemp("forge")
    with (
        databases.create() as url,
        running_server(folder / "home", variables=[("DATABASE_URL", url)]) as started,
    ):
        token = make_account(started, password=PASSWORD)
        run_git(folder, "init", "--quiet", "--initial-branch=main", "work")
        run_git(folder / "work", "commit", "--quiet", "--allow-empty", "-m", "first")
        run_git(
            folder / "work", "push", "--quiet", started.remote("alice/demo", token=token), "main"
        )
        yield started


def call(
    server: RunningServer, path: str, body: bytes | None = None, **headers: Any
) -> tuple[int, Any, dict[str, str]]:
    """Return status, JSON and headers; a body makes it a POST."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.url + path, data=body, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), dict(error.headers)


def log_in(server: RunningServer, **fields: Any) -> tuple[int, Any, dict[str, str]]:
    content = {"username": "alice", "password": PASSWORD, **fields}
    return call(server, "api/login", json.dumps(content).encode(), **JSON)


def list_remote(server: RunningServer, folder: Path, secret: str) -> list[bool]:
    """Tell whether git is let in with the secret as Bearer, and as a password."""
    header = f"http.extraHeader=Authorization: Bearer {secret}"
    host = server.url.removeprefix("http://").rstrip("/")
    results = [
        run_git(folder, "-c", header, "ls-remote", server.remote("alice/demo"), check=False),
        run_git(folder, "ls-remote", f"http://alice:{secret}@{host}/alice/demo", check=False),
    ]
    return ["refs/heads/main" in result.stdout for result in results]


def test_login_clone_and_revocation(server: RunningServer, tmp_path: Path) -> None:
    status, made, headers = log_in(server)
    secret = made["token"]
    header = f"http.extraHeader=Authorization: Bearer {secret}"

    run_git(tmp_path, "-c", header, "clone", "--quiet", server.remote("alice/demo"), "copy")
    before = list_remote(server, tmp_path, secret)
    rows = json.loads(server.admin("session", "list", "alice", "--json"))
    row = max(rows, key=lambda each: each["id"])  # ids are in the order of time
    server.admin("session", "revoke", row["id"])

    assert status == 200
    assert set(made) == {"token", "expires_at", "username"}
    assert headers["cache-control"] == "no-store"
    assert secret not in json.dumps(row)
    assert before == [True, True]
    assert list_remote(server, tmp_path, secret) == [False, False]
    assert call(server, "api/user", Authorization=f"Bearer {secret}")[0] == 401


def test_logout_ends_the_session_at_once(server: RunningServer, tmp_path: Path) -> None:
    secret = log_in(server)[1]["token"]
    known: dict[str, Any] = {"Authorization": f"Bearer {secret}"}

    user = call(server, "api/user", **known)
    ended = call(server, "api/logout", b"", **known)
    again = call(server, "api/logout", b"", **known)

    assert user[:2] == (200, {**user[1], "username": "alice", "is_admin": False, "scopes": None})
    assert ended[:2] == (200, {"revoked": True})
    assert again[0] == 401
    assert list_remote(server, tmp_path, secret) == [False, False]


def test_session_made_by_the_operator_expires(server: RunningServer, tmp_path: Path) -> None:
    begun = utc_now()
    secret = server.admin("session", "create", "alice", "--expires", "1h")
    known: dict[str, Any] = {"Authorization": f"Bearer {secret}"}
    first = call(server, "api/user", **known)[0]

    with opened_database(server) as sessions, sessions.begin() as database:
        is_this = UserSession.token_digest == digest_secret(secret)
        row = database.scalars(select(UserSession).where(is_this)).one()
        until, row.expires_at = row.expires_at, begun

    assert first == 200
    assert timedelta(hours=1) <= until - begun < timedelta(hours=2)
    assert call(server, "api/user", **known)[0] == 401
    assert list_remote(server, tmp_path, secret) == [False, False]


def test_all_sessions_of_a_user_are_revoked(server: RunningServer) -> None:
    make_account(server, "carol")
    secrets = [server.admin("session", "create", "carol") for _ in range(2)]

    count = server.admin("session", "revoke", "--user", "carol")

    statuses = [call(server, "api/user", Authorization=f"Bearer {secret}")[0] for secret in secrets]
    assert count == "2"
    assert statuses == [401, 401]


def test_unknown_user_and_wrong_password_get_the_same_answer(server: RunningServer) -> None:
    wrong = log_in(server, password="wrong horse")
    unknown = log_in(server, username="nobody")

    assert wrong[:2] == unknown[:2]
    assert wrong[0] == 401
    assert wrong[1]["error"]["kind"] == "unauthenticated"
    assert wrong[2]["www-authenticate"] == 'Bearer realm="wit"'


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 400),
        (b'{"username": 1, "password": "x"}', "application/json", 400),
        (b'{"username": "a\\u0000", "password": "x"}', "application/json", 400),
        (b'{"username": "\\ud800", "password": "x"}', "application/json", 400),
        (b'["username", "password"]', "application/json", 400),
        (b"username=alice", "application/json; charset=utf-8", 400),
        (b"[" * 16_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"username=alice", "application/x-www-form-urlencoded", 415),
        (b" " * 20_000, "application/json", 413),
    ],
)
def test_bad_body_is_refused_with_a_sentence(
    server: RunningServer, body: bytes, kind: str, status: int
) -> None:
    code, content, _ = call(server, "api/login", body, Content_Type=kind)

    assert code == status
    assert content["error"]["message"].endswith(".")


@pytest.mark.parametrize(
    ("path", "body", "allowed"), [("api/login", None, "POST"), ("api/user", b"", "GET")]
)
def test_wrong_method_is_told_the_right_one(
    server: RunningServer, path: str, body: bytes | None, allowed: str
) -> None:
    code, content, headers = call(server, path, body)

    assert (code, headers["allow"]) == (405, allowed)
    assert content["error"]["message"] == f"This address supports {allowed}."


@pytest.mark.parametrize("value", ["Bearer wits_unknown", "Bearer", "Basic !!!", "Bearer wit_x"])
def test_bad_credentials_are_nobody(server: RunningServer, value: str) -> None:
    for path, body in (("api/user", None), ("api/logout", b"")):
        code, content, headers = call(server, path, body, Authorization=value)

        assert code == 401
        assert content["error"]["message"].endswith(".")
        assert headers["www-authenticate"].startswith("Bearer ")


def test_guessing_is_slowed_down_and_the_owner_elsewhere_is_not(server: RunningServer) -> None:
    server.admin("user", "create", "victim", "--password-stdin", stdin=f"{PASSWORD}\n")
    # One is earned back each half minute, and a busy machine may take as long for a few.
    guesses = [log_in(server, username="victim", password=f"guess {n}") for n in range(20)]

    statuses = [status for status, _, _ in guesses]
    _, content, headers = guesses[statuses.index(429)]
    assert statuses[:10] == [401] * 10
    assert content["error"]["kind"] == "too_many_attempts"
    assert 1 <= int(headers["retry-after"]) <= 30
    assert log_in(server)[0] == 200


def test_guessing_at_gits_door_is_slowed_down_as_well(
    server: RunningServer, tmp_path: Path
) -> None:
    server.admin("user", "create", "target", "--password-stdin", stdin=f"{PASSWORD}\n")
    host = server.url.removeprefix("http://").rstrip("/")

    def answer(password: str) -> str:
        url = f"http://target:{password}@{host}/alice/demo"
        return run_git(tmp_path, "ls-remote", url, check=False).stderr

    guesses = [answer(f"guess-{number}") for number in range(20)]

    assert all("Authentication failed" in said for said in guesses[:10])
    assert "error: 429" in guesses[-1]
    assert log_in(server)[0] == 200
