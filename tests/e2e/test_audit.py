"""What the audit trail tells of requests: who, with what, from where, before and after."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.accounts import opened_database
from tests.support.databases import Databases
from tests.support.jj_writer import JjWriter
from tests.support.repositories import commit, new_work
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.tokens import TokenOrder, create_token
from wit_admin.services.audit import trail
from wit_admin.services.audit.check import verify_trail
from wit_admin.services.audit.trail import Entry

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse"
CLIENT = "203.0.113.7"
"""Who asks, as the proxy on loopback says."""
ZERO = "0" * 40


@dataclass(slots=True)
class Forge:
    """A server behind a proxy, and what its trail tells since it was last looked at."""

    server: RunningServer
    sessions: sessionmaker[Session]
    token: str
    token_id: str
    seen: int = 0

    def call(
        self, path: str, secret: str = "", body: bytes = b"", method: str = "POST"
    ) -> tuple[int, Any]:
        headers = {"X-Forwarded-For": CLIENT, "X-Request-Id": f"audit-{self.seen}"}
        headers["Content-Type"] = "application/json"
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        url = f"{self.server.url}api/{path}"
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def log_in(self, password: str = PASSWORD) -> tuple[int, Any]:
        content = {"username": "alice", "password": password}
        return self.call("login", body=json.dumps(content).encode())

    def push(self, work: Path, *refspecs: str, secret: str | None = None) -> None:
        headers = ["-c", f"http.extraHeader=X-Forwarded-For: {CLIENT}"]
        headers += ["-c", f"http.extraHeader=X-Request-Id: audit-{self.seen}"]
        url = self.server.remote("alice/demo", token=secret or self.token)
        run_git(work, *headers, "push", "--quiet", url, *refspecs)

    def told(self) -> list[Entry]:
        """Return what is new in the trail, which has to be whole; all of it came over HTTP."""
        assert verify_trail(self.sessions).findings == ()
        entries = trail.list_events_after(self.sessions, AuditFilter(), seq=self.seen, limit=99)
        for entry in entries:
            assert (entry.origin, entry.actor_name, entry.address) == ("http", "alice", CLIENT)
            assert entry.request_id == f"audit-{self.seen}"
        self.seen += len(entries)
        return entries


@pytest.fixture(scope="module")
def forge(module_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    home = tmp_path_factory.mktemp("forge") / "home"
    with module_databases.create() as url:
        variables = [("DATABASE_URL", url), ("WIT_TRUSTED_PROXIES", "127.0.0.1")]
        with running_server(home, variables=variables) as server, opened_database(server) as opened:
            create_user(opened, "alice", password=PASSWORD, is_admin=True)
            order = TokenOrder("test", [Scope.REPO_WRITE, Scope.ADMIN])
            made = create_token(opened, "alice", order=order)
            forge = Forge(server, opened, made.token, str(made.id))
            forge.seen = len(trail.list_events(opened, AuditFilter(), limit=99))
            yield forge


def test_signing_in_and_out_is_told_and_a_wrong_password_is_not(forge: Forge) -> None:
    refused, _ = forge.log_in("wrong horse")
    unknown, _ = forge.call("logout", "wits_unknown")
    nothing = forge.told()
    secret = forge.log_in()[1]["token"]
    (began,) = forge.told()
    forge.call("logout", secret)
    (ended,) = forge.told()
    again, _ = forge.call("logout", secret)

    assert (refused, unknown, again, nothing) == (401, 401, 401, [])
    assert (began.action, began.target_name, began.before) == ("session.create", "alice", None)
    assert began.after is not None
    assert began.after["ip"] == CLIENT
    assert (ended.action, ended.target_id) == ("session.revoke", began.target_id)
    assert ended.session_id == began.target_id
    assert ended.before == {"revoked_at": None}
    assert ended.after is not None
    assert ended.after["revoked_at"]
    assert forge.told() == []
    assert secret not in repr([began, ended])


def test_watching_is_told_when_it_changes_something(forge: Forge, tmp_path: Path) -> None:
    forge.push(new_commit(tmp_path), "main:refs/heads/jj")
    forge.told()
    writer = JjWriter(forge.server.home / "repos/alice/demo")
    writer.publish(writer.view(writer.commit()), description="new empty commit")
    steps = []

    for method, path in (
        ("DELETE", "watcher/watch/alice/demo"),
        ("DELETE", "watcher/watch/alice/demo"),
        ("POST", "watcher/watch/alice/demo"),
        ("POST", "watcher/watch/alice/demo"),
        ("POST", "watcher/sync/alice/demo"),
        ("POST", "watcher/sync/alice/demo"),
    ):
        assert forge.call(path, forge.token, method=method)[0] == 200
        steps.append(forge.told())

    removed, _, added, _, synced, _ = steps
    assert [len(step) for step in steps] == [1, 0, 1, 0, 1, 0]
    told = [(entry.action, entry.before, entry.after) for (entry,) in (removed, added, synced)]
    assert told == [
        ("watch.remove", {"is_watched": True}, {"is_watched": False}),
        ("watch.add", {"is_watched": False}, {"is_watched": True}),
        ("watch.sync", None, {"operations": 1, "changes": 2}),
    ]
    assert {entry.target_name for (entry,) in (removed, added, synced)} == {"alice/demo"}
    assert {str(entry.token_id) for (entry,) in (removed, added, synced)} == {forge.token_id}


def test_push_is_told_with_its_token_or_session_and_each_ref(forge: Forge, tmp_path: Path) -> None:
    work = new_commit(tmp_path)
    first = run_git(work, "rev-parse", "HEAD").stdout.strip()
    # The first branch would be the current one, which cannot be deleted.
    forge.push(work, "main:refs/heads/first")
    forge.told()
    forge.push(work, "main:refs/heads/told")
    (made,) = forge.told()
    second = commit(work, "second")
    secret = forge.log_in()[1]["token"]
    forge.told()
    forge.push(work, "main:refs/heads/told", "main:refs/tags/v1", secret=secret)
    (moved,) = forge.told()
    forge.push(work, ":refs/heads/told")
    (deleted,) = forge.told()

    assert {entry.action for entry in (made, moved, deleted)} == {"repository.push"}
    assert {entry.target_name for entry in (made, moved, deleted)} == {"alice/demo"}
    assert (str(made.token_id), made.session_id) == (forge.token_id, None)
    assert moved.token_id is None
    assert moved.session_id is not None
    assert updates(made) == [("refs/heads/told", ZERO, first)]
    assert updates(moved) == [("refs/heads/told", first, second), ("refs/tags/v1", ZERO, second)]
    assert updates(deleted) == [("refs/heads/told", second, ZERO)]
    assert not any(word in repr([made, moved, deleted]) for word in (forge.token, secret))


def new_commit(folder: Path) -> Path:
    work = new_work(folder / "work")
    commit(work, "first")
    return work


def updates(entry: Entry) -> list[tuple[str, str, str]]:
    assert entry.after is not None
    return [(each["ref"], each["before"], each["after"]) for each in entry.after["updates"]]
