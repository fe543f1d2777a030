"""A real ``wit-admin watch``, alone, beside others of its kind, and inside a server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session, sessionmaker

from tests.support.databases import PostgresDatabases
from tests.support.inotify_limits import raise_limit, under_limit
from tests.support.jj_writer import JjWriter
from tests.support.processes import children_of, is_running, open_files, wait_until
from tests.support.server import RunningServer, running_server
from tests.support.watch_site import WatchSite
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.jj import JjSyncState
from wit_admin.services.watcher.claims import count_watchers

pytestmark = pytest.mark.e2e
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class RunningWatcher:
    process: subprocess.Popen[bytes]
    output: Path
    log: Path

    def lines(self) -> list[str]:
        return self.output.read_text().splitlines()

    def metrics(self) -> dict[str, float]:
        return metrics_at(re.search(r"http://\S+", self.log.read_text()))

    def synced(self) -> set[str]:
        return {json.loads(line)["repository"] for line in self.lines()}


@contextmanager
def watcher(
    folder: Path, url: str, *flags: str, under: Sequence[str] = ()
) -> Iterator[RunningWatcher]:
    """Start ``wit-admin watch``, by another command, and stop it by its own process id."""
    number = len(list(folder.glob("watch-*.out")))
    output, log = folder / f"watch-{number}.out", folder / f"watch-{number}.log"
    with output.open("wb") as stdout, log.open("wb") as stderr:
        process = subprocess.Popen(
            [*under, sys.executable, "-m", "wit_admin", "watch", "--json", *flags],
            stdout=stdout,
            stderr=stderr,
            env={
                "PATH": os.environ["PATH"],
                "WIT_HOME": str(folder / f"home-{number}"),
                "WIT_REPOSITORIES_ROOT": str(folder / "repos"),
                "DATABASE_URL": url,
            },
        )
    try:
        wait(lambda: "Watching" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield RunningWatcher(process, output, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            # One that a test left frozen could not end.
            process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=PATIENCE_S) in {0, -signal.SIGKILL}


def wait(condition: Callable[[], object]) -> None:
    wait_until(condition, within_s=PATIENCE_S)


@pytest.fixture
def jj(sessions: sessionmaker[Session], tmp_path: Path) -> WatchSite:
    return WatchSite(sessions, tmp_path / "repos")


@pytest.mark.parametrize("_databases", ["sqlite"], indirect=True)
def test_watcher_prints_what_it_read_and_ends_when_it_is_told_to(
    jj: WatchSite, database_url: str, tmp_path: Path
) -> None:
    writer = jj.add()

    with watcher(tmp_path, database_url, "--metrics-port=0", "--poll-interval=3600") as running:
        wait(lambda: len(running.lines()) == 1)
        jj.operate(writer, "second")
        wait(lambda: len(running.lines()) == 2)
        metrics = running.metrics()
        running.process.send_signal(signal.SIGINT)

        assert running.process.wait(timeout=PATIENCE_S) == 0
    report = json.loads(running.lines()[1])
    assert (report["repository"], report["state"], report["operations"]) == (
        "alice/demo",
        "synced",
        1,
    )
    assert metrics["wit_watch_repositories"] == 1
    assert metrics["wit_watch_polled_repositories"] == 0
    assert metrics['wit_watch_syncs_total{state="synced"}'] == 2
    assert metrics["wit_watch_detection_seconds_count"] == 2


def metrics_at(url: re.Match[str] | None) -> dict[str, float]:
    assert url is not None
    with urllib.request.urlopen(url[0], timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("wit_watch"))
    return {name: float(value) for name, value in pairs}


@pytest.mark.parametrize("_databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("limit", "allowed"), [("max_inotify_watches", 1), ("max_inotify_instances", 0)]
)
def test_what_the_system_forbids_to_watch_is_polled_until_it_is_allowed(
    jj: WatchSite, database_url: str, tmp_path: Path, limit: str, allowed: int
) -> None:
    writers = {name: jj.add(name) for name in ("one", "two", "three")}
    flags = ("--poll-interval=0.2", "--metrics-port=0")

    with watcher(tmp_path, database_url, *flags, under=under_limit(limit, allowed)) as running:
        for name, writer in writers.items():
            wait(lambda: jj.operations(name) == ["first"])  # noqa: B023  waited for at once
            jj.operate(writer, "second")
        for name in writers:
            wait(lambda: len(jj.operations(name)) == 2)  # noqa: B023
        assert running.metrics()["wit_watch_polled_repositories"] == len(writers) - allowed
        complaints = running.log.read_text().count("with sysctl; what cannot be watched is polled")
        raise_limit(running.process.pid, limit, 1000)
        wait(lambda: "watched again, and none is polled" in running.log.read_text())

        assert running.metrics()["wit_watch_polled_repositories"] == 0
        assert running.metrics()["wit_watch_repositories"] == len(writers)
    assert complaints == 1


@pytest.mark.parametrize("_databases", ["postgresql"], indirect=True)
def test_hosts_share_the_repositories_and_take_over_from_one_that_dies(
    jj: WatchSite, sessions: sessionmaker[Session], database_url: str, tmp_path: Path
) -> None:
    writers = {f"r{number}": jj.add(f"r{number}") for number in range(12)}
    names = {f"alice/{name}" for name in writers}

    with (
        watcher(tmp_path, database_url) as first,
        watcher(tmp_path, database_url) as second,
    ):
        wait(lambda: first.synced() | second.synced() == names)
        assert count_watchers(sessions, tmp_path) == 2
        wait(lambda: both_work(jj, writers, first, second))

        first.process.kill()
        seen = len(second.lines())
        for name, writer in writers.items():
            jj.operate(writer, f"after the end of {name}")

        wait(lambda: all(jj.operations(name)[-1].startswith("after") for name in writers))
        wait(lambda: {json.loads(each)["repository"] for each in second.lines()[seen:]} == names)
        assert count_watchers(sessions, tmp_path) == 1


@pytest.mark.postgresql
def test_hosts_take_over_from_one_that_is_frozen_which_writes_nothing_when_it_wakes(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """At rest, and amid the transaction of a sync, whose lock it must not keep either.

    Both at once, on databases of their own, as each is mostly waiting for a server's patience.
    """

    databases: PostgresDatabases = request.getfixturevalue("_postgresql")

    def freeze_one(state: str) -> None:
        folder = tmp_path / state
        folder.mkdir()
        with databases.create() as url:
            engine = open_engine(url)
            try:
                take_over_from_frozen(folder, url, make_sessions(engine), is_amid=state == "amid")
            finally:
                engine.dispose()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(freeze_one, ("at rest", "amid")))


def take_over_from_frozen(
    folder: Path, url: str, sessions: sessionmaker[Session], *, is_amid: bool
) -> None:
    jj = WatchSite(sessions, folder / "repos")
    writers = {f"r{number}": jj.add(f"r{number}") for number in range(12)}

    with watcher(folder, url) as first, watcher(folder, url) as second:
        wait(lambda: both_work(jj, writers, first, second))
        with sessions.begin() as session:
            if is_amid:
                # Whoever has something to write waits for this transaction, and is stopped there.
                session.execute(update(JjSyncState).values(path=JjSyncState.path))
                operate_everywhere(jj, writers, "amid")
                wait(lambda: count_waiting(sessions) == 4)
            first.process.send_signal(signal.SIGSTOP)
        operate_everywhere(jj, writers, "after")
        # What failed as long as the lock was held is tried again later and later.
        wait_until(
            lambda: all(jj.operations(name)[-1] == "after" for name in writers),
            within_s=2 * PATIENCE_S,
        )
        wait(lambda: count_watchers(sessions, folder) == 1)
        before = moments(jj)
        first.process.send_signal(signal.SIGCONT)
        wait(lambda: "The database is back" in first.log.read_text())

        assert moments(jj) == before
        wait(lambda: count_watchers(sessions, folder) == 2)
        wait(lambda: both_work(jj, writers, first, second))
        assert moments(jj) != before


def moments(jj: WatchSite) -> dict[str, datetime | None]:
    """Return when each repository was written last."""
    return {name: state.synced_at for name, state in jj.states().items()}


def count_waiting(sessions: sessionmaker[Session]) -> int:
    """Return how many connections wait for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with sessions() as session:
        return int(session.execute(query).scalar_one())


def operate_everywhere(jj: WatchSite, writers: dict[str, JjWriter], description: str) -> None:
    for writer in writers.values():
        jj.operate(writer, description)


def both_work(jj: WatchSite, writers: dict[str, JjWriter], *running: RunningWatcher) -> bool:
    """Let jj do something everywhere, and tell whether both read of it, each what is its own."""
    before = [len(each.lines()) for each in running]
    for writer in writers.values():
        jj.operate(writer, "shared")
    with contextlib.suppress(AssertionError):
        wait_until(lambda: all(is_read(jj, name) for name in writers), within_s=PATIENCE_S)
    shares = [
        {json.loads(line)["repository"] for line in each.lines()[count:]}
        for each, count in zip(running, before, strict=True)
    ]
    return all(shares) and not shares[0] & shares[1]


def is_read(jj: WatchSite, name: str) -> bool:
    heads = {path.name for path in (jj.root / f"alice/{name}/.jj/repo/op_heads/heads").iterdir()}
    return set(jj.states()[name].op_heads) == heads


def watchers_of(server: RunningServer) -> list[int]:
    """Return the children of the server that have inotify in use."""
    found = []
    for child in children_of(server.process.pid):
        with contextlib.suppress(OSError):
            if "anon_inode:inotify" in open_files(child):
                found.append(child)
    return found


def test_server_watches_in_one_process_that_is_replaced_and_ends_with_it(tmp_path: Path) -> None:
    variables = (("WATCHER_ENABLED", "true"), ("WIT_WATCH_POLL_INTERVAL", "3600"))
    with running_server(tmp_path / "home", variables=variables) as server:
        engine = open_engine(f"sqlite:///{server.home / 'wit.db'}")
        jj = WatchSite(make_sessions(engine), server.home / "repos")
        writer = jj.add()
        wait(lambda: jj.operations() == ["first"])
        (pid,) = watchers_of(server)

        os.kill(pid, signal.SIGKILL)
        jj.operate(writer, "second")

        wait(lambda: jj.operations() == ["first", "second"])
        wait(lambda: len(watchers_of(server)) == 1)
        place = re.search(r".*", f"{server.url}metrics")
        wait(lambda: metrics_at(place)["wit_watch_repositories"] == 1)
        assert json.loads(server.admin("watch", "status", "--json"))["running"]
        left = children_of(server.process.pid)
        assert len(left) == 2
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE_S) == 0
        assert not any(map(is_running, left))
        engine.dispose()
