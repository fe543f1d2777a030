"""The watcher over HTTP: its state, its list, and a sync at once, each by who may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.conftest import KINDS
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.jj_writer import JjWriter
from tests.support.processes import wait_until
from tests.support.server import RunningServer, running_server
from wit_admin.cli._root import app

pytestmark = pytest.mark.e2e

DEMO, OTHER, PLAIN = "alice/demo", "alice/other", "alice/plain"


@dataclass(frozen=True)
class Api:
    """A server, the command line of its forge, and tokens of those who ask."""

    server: RunningServer
    tokens: dict[str, str]

    def admin(self, *arguments: str) -> str:
        # In this process, as each of its own would take longer than a test here.
        done = CliRunner(env=self.server.environment).invoke(app, ["--quiet", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def call(self, path: str, who: str | None = None, method: str = "GET") -> tuple[int, Any]:
        headers = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        url = f"{self.server.url}api/watcher/{path}"
        request = urllib.request.Request(url, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["error"]

    def workspace(self, name: str) -> Path:
        return self.server.home / "repos" / name


def operate(writer: JjWriter, *parents: str, description: str = "new empty commit") -> str:
    return writer.publish(writer.view(writer.commit()), *parents, description=description)


@pytest.fixture(scope="module", params=KINDS)
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    home = tmp_path_factory.mktemp("forge") / "home"
    with (
        databases.create() as url,
        running_server(home, variables=[("DATABASE_URL", url)]) as server,
    ):
        made = Api(server, {})
        for name in ("alice", "bob", "eve"):
            made.admin("user", "create", name)
        made.admin("user", "create", "root", "--admin")
        for name in (DEMO, OTHER, PLAIN):
            made.admin("repo", "create", name)
        made.admin("collab", "add", DEMO, "bob", "--permission", "write")
        for name in ("alice", "bob", "eve", "root"):
            scopes = ("--scope", "admin", "--scope", "repo:write")
            made.tokens[name] = made.admin("token", "create", name, *scopes)
        made.tokens["weak"] = made.admin("token", "create", "root", "--scope", "repo:write")
        limits = ("--scope", "admin", "--scope", "repo:read", "--repo", OTHER)
        made.tokens["limited"] = made.admin("token", "create", "root", *limits)
        for name in (DEMO, OTHER):
            operate(JjWriter(made.workspace(name)))
        yield made


ROUTES = {
    ("status", "GET"): {"root"},
    ("repos", "GET"): {"root"},
    (f"watch/{DEMO}", "POST"): {"root"},
    (f"watch/{DEMO}", "DELETE"): {"root"},
    (f"sync/{DEMO}", "POST"): {"root", "alice"},
}


@pytest.mark.parametrize(("route", "allowed"), ROUTES.items())
def test_each_is_done_by_those_who_may_and_by_nobody_else(
    api: Api, route: tuple[str, str], allowed: set[str]
) -> None:
    path, method = route
    found = {who: api.call(path, who, method)[0] for who in (None, *api.tokens)}

    assert found.pop(None) == 401
    assert {who for who, status in found.items() if status == 200} == allowed
    hidden = {"eve", "limited", "weak"} if path.startswith("sync") else set()
    assert {who for who, status in found.items() if status == 404} == hidden
    assert all(found[who] == 403 for who in found.keys() - allowed - hidden)
    api.call(f"watch/{DEMO}", "root", "POST")


def test_list_and_state_have_the_shapes_of_the_design_note(api: Api) -> None:
    ids = {
        name: json.loads(api.admin("repo", "show", name, "--json"))["id"] for name in (DEMO, OTHER)
    }
    both = [
        {"user": "alice", "repo": name.partition("/")[2], "repoId": ids[name]}
        for name in (DEMO, OTHER)
    ]

    assert api.call("status", "root") == (200, {"running": False, "watchedRepos": 2})
    assert api.call("repos", "root") == (200, {"repos": both})
    removed = api.call(f"watch/{OTHER}", "root", "DELETE")
    again = api.call(f"watch/{OTHER}", "root", "DELETE")
    assert api.call("status", "root")[1]["watchedRepos"] == 1
    assert api.call("repos", "root") == (200, {"repos": both[:1]})
    added = api.call(f"watch/{OTHER}", "root", "POST")

    assert removed == (200, {**both[1], "watched": False, "changed": True})
    assert again == (200, {**both[1], "watched": False, "changed": False})
    assert added == (200, {**both[1], "watched": True, "changed": True})
    assert api.call("repos", "root") == (200, {"repos": both})


def test_watcher_of_another_process_counts_as_running(api: Api) -> None:
    """Started by hand beside the server, as it may be on another host."""
    with subprocess.Popen(
        [sys.executable, "-m", "wit_admin", "watch"],
        env={**os.environ, **api.server.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as watcher:
        try:
            wait_until(lambda: api.call("status", "root")[1]["running"], within_s=60)
        finally:
            watcher.terminate()
            watcher.wait(timeout=60)

    assert api.call("status", "root")[1]["running"] is False


def test_sync_writes_what_is_new_and_is_told_in_the_audit_trail(api: Api) -> None:
    writer = JjWriter(api.workspace("alice/synced"))
    api.admin("repo", "create", "alice/synced")
    head = operate(writer, description="first")

    first = api.call("sync/alice/synced", "alice", "POST")
    again = api.call("sync/alice/synced", "alice", "POST")
    operate(writer, head, description="second")
    second = api.call("sync/alice/synced", "root", "POST")

    assert [(status, content["state"]) for status, content in (first, again, second)] == [
        (200, "synced"),
        (200, "unchanged"),
        (200, "synced"),
    ]
    assert (first[1]["operations"], second[1]["operations"]) == (1, 1)
    rows = json.loads(api.admin("jj", "ops", "alice/synced", "--json"))
    assert [row["description"] for row in rows] == ["second", "first"]
    events = json.loads(api.admin("audit", "list", "--target", "alice/synced", "--json"))
    told = [event for event in events if event["action"] == "watch.sync"]
    assert [event["actor_name"] for event in told] == ["root", "alice"]
    assert {event["origin"] for event in told} == {"http"}
    assert all(event["address"] and event["request_id"] and event["token_id"] for event in told)


def test_syncs_at_once_are_all_answered(api: Api) -> None:
    names = [f"alice/crowd-{number}" for number in range(6)]
    for name in names:
        api.admin("repo", "create", name)
        operate(JjWriter(api.workspace(name)))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda name: api.call(f"sync/{name}", "alice", "POST"), names * 2))

    assert {status for status, _ in answers} == {200}
    assert sum(content["state"] == "synced" for _, content in answers) == 6


def test_what_is_in_the_way_is_said_without_folders_of_the_server(api: Api) -> None:
    plain = [
        api.call(f"sync/{PLAIN}", "alice", "POST"),
        api.call(f"watch/{PLAIN}", "root", "POST"),
    ]
    writer = JjWriter(api.workspace("alice/broken"))
    api.admin("repo", "create", "alice/broken")
    writer.operation_file(operate(writer)).write_bytes(b"\xff")

    broken = api.call("sync/alice/broken", "alice", "POST")
    missing = api.call("sync/alice/none", "alice", "POST")

    assert [(status, error["kind"]) for status, error in plain] == [(404, "no_jj_repository")] * 2
    assert (broken[0], broken[1]["kind"]) == (409, "damaged_jj")
    assert missing[0] == 404
    assert api.call("watch/alice/none", "root", "POST")[0] == 404
    assert str(api.server.home) not in json.dumps([plain, broken, missing])


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [("status", "POST", "GET"), (f"watch/{DEMO}", "GET", "POST, DELETE"), ("sync/a/b", "GET", "")],
)
def test_another_method_is_refused(api: Api, path: str, method: str, allow: str) -> None:
    status, error = api.call(path, "root", method)

    assert status == 405
    assert error["message"].startswith("This address supports ")
    assert all(word in error["message"] for word in allow.split(", "))
