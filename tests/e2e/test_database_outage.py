"""The database goes away under a running server, and comes back."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import KINDS
from tests.support.accounts import make_account
from tests.support.postgres import StoppablePostgres, stoppable_postgres
from tests.support.processes import PATIENCE_S, children_of, is_receiving, wait_until
from tests.support.raw_http import END_OF_PUSH, begin_push, connected
from tests.support.server import RunningServer, run_git, running_server

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, slots=True)
class Outage:
    """A server, and a database that can be away for a while."""

    server: RunningServer
    token: str
    away: Callable[[], AbstractContextManager[None]]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.server.url + path, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def status(self) -> str:
        return str(json.loads(self.get("health")[1])["status"])


@contextmanager
def files_away(database: Path) -> Iterator[None]:
    files = [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm")]
    for file in files:
        file.rename(f"{file}.away")
    yield
    for file in files:
        Path(f"{file}.away").rename(file)


@contextmanager
def stopped(postgres: StoppablePostgres, run: ExitStack) -> Iterator[None]:
    run.close()
    yield
    run.enter_context(postgres.running())


@pytest.fixture(params=KINDS)
def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outage]:
    home = tmp_path / "home"
    public = ("WIT_DEFAULT_VISIBILITY", "public")
    if request.param == "sqlite":
        with running_server(home, variables=[public]) as server:
            yield Outage(server, prepare(server), partial(files_away, home / "wit.db"))
        return
    if os.environ.get("WIT_TEST_POSTGRESQL") == "skip":
        pytest.skip("WIT_TEST_POSTGRESQL=skip leaves PostgreSQL out")
    with stoppable_postgres() as postgres, ExitStack() as run:
        run.enter_context(postgres.running())
        variables = [public, ("DATABASE_URL", postgres.url)]
        with running_server(home, "--migrate", variables=variables) as server:
            yield Outage(server, prepare(server), partial(stopped, postgres, run))


def prepare(server: RunningServer) -> str:
    return make_account(server)


def test_outage_degrades_and_heals(outage: Outage, tmp_path: Path) -> None:
    work, server = tmp_path / "work", outage.server
    run_git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
    run_git(work, "commit", "--quiet", "--allow-empty", "-m", "one")
    url = server.remote("alice/demo", token=outage.token)
    run_git(work, "push", "--quiet", url, "main")
    run_git(work, "ls-remote", server.remote("alice/demo"))

    with outage.away():
        started = time.monotonic()
        assert outage.status() == "degraded"
        assert outage.get("readyz")[0] == 503
        assert outage.get("livez")[0] == 200
        refused = run_git(work, "push", url, "main:more", check=False)
        assert refused.returncode == 128
        assert "remote: The database is not available" in refused.stderr
        assert "503" in refused.stderr
        for _ in range(10):
            run_git(work, "ls-remote", server.remote("alice/demo"))
        # If each of their requests waited for the database, it would be minutes.
        assert time.monotonic() - started < PATIENCE_S

    wait_until(lambda: outage.status() == "ok")
    run_git(work, "push", "--quiet", url, "main:more")
    assert pushed_refs(server) == ["refs/heads/more", "refs/heads/main"]


def test_a_push_that_git_accepts_meanwhile_is_recorded_afterwards(
    outage: Outage, tmp_path: Path
) -> None:
    work, server = tmp_path / "work", outage.server
    run_git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
    run_git(work, "commit", "--quiet", "--allow-empty", "-m", "one")
    run_git(work, "push", "--quiet", server.remote("alice/demo", token=outage.token), "main")
    head = run_git(work, "rev-parse", "HEAD").stdout.strip()
    known = f"Authorization: Bearer {outage.token}\r\n".encode()
    with connected(server.url) as client:
        begin_push(client, ref="refs/heads/late", new=head, headers=known)
        wait_until(lambda: any(map(is_receiving, children_of(server.process.pid))))

        with outage.away():
            client.send(END_OF_PUSH)
            assert client.read_some().startswith(b"HTTP/1.1 200 ")

    wait_until(lambda: pushed_refs(server) == ["refs/heads/late", "refs/heads/main"])


def pushed_refs(server: RunningServer) -> list[str]:
    rows = json.loads(server.admin("activity", "list", "alice/demo", "--json"))
    return [row["ref"] for row in rows if row["type"] == "push"]
