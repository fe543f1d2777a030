"""The watcher: how soon a jj operation is known and committed, and what it costs to wait for one.

Run it from the root of the repository: python -m benchmarks.watch latency|idle [--help]

``latency`` lets a writer publish single operations in random ones of N repositories, and tells how
long after each its head was known, and its rows were committed; beside it a watcher that works as
the first design had it: it looks at a time stamp of each repository every 100 ms, and waits until
300 ms have passed. ``idle`` tells what N repositories cost in which nothing happens. The watcher
is a process of its own, and tells when something happened by the clock that all processes share.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.postgres import run_postgres
from tests.support.watch_site import WatchSite
from wit_admin.db.base import utc_now
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.jj import JjSyncState
from wit_admin.db.queries import watching
from wit_admin.jj.head_events import open_head_events
from wit_admin.services.jj.places import find_jj_workspace
from wit_admin.services.jj.sync import sync_repository
from wit_admin.services.watcher.claims import open_claims
from wit_admin.services.watcher.inventory import Inventory
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.recorded_sync import JjReader, SyncReport
from wit_admin.services.watcher.schedule import retry_delay_s
from wit_admin.services.watcher.service import Watcher, WatchOptions

_HEADS = ".jj/repo/op_heads/heads"
_PATIENCE_S = 120.0
_QUIET_S = 3.0
_POLL_S = 0.1
_DEBOUNCE_S = 0.3
_SPAWN = multiprocessing.get_context("spawn")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["latency", "idle"])
    parser.add_argument("counts", metavar="N", type=int, nargs="*", help="repositories")
    parser.add_argument("--operations", type=int, default=200, help="how many are published")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between operations")
    parser.add_argument(
        "--settle", type=float, default=45.0, help="seconds after the start that do not count"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to watch the idling")
    parser.add_argument("--scratch", type=Path, help="where the repositories are made")
    options = parser.parse_args()
    print(f"load average: {' '.join(f'{load:.2f}' for load in os.getloadavg())}")
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch, ExitStack() as stack:
        folder = Path(scratch)
        databases: dict[str, SqliteDatabases | PostgresDatabases] = {
            "SQLite": SqliteDatabases(_made(folder / "databases")),
            "PostgreSQL": PostgresDatabases(stack.enter_context(run_postgres()), "bench"),
        }
        counts = options.counts or ([1, 100, 1000] if options.what == "latency" else [1000, 10_000])
        for count in counts:
            for name, kind in databases.items():
                root = _made(folder / f"{name}-{count}")
                with kind.create() as url:
                    if options.what == "latency":
                        _latency(name, url, root, count, options)
                    else:
                        _idle(name, url, root, count, options)
    print(f"load average: {' '.join(f'{load:.2f}' for load in os.getloadavg())}")


# How soon


def _latency(name: str, url: str, root: Path, count: int, options: argparse.Namespace) -> None:
    with _sessions(url) as sessions:
        site = WatchSite(sessions, root)
        writers = [site.add(f"r{number}") for number in range(count)]
    for label, watch, share in (("inotify", _watch, 1), ("poll 100 ms", _poll, 5)):
        known, committed = [], []
        with _child(watch, url, root) as child:
            for _ in range(options.operations // share):
                time.sleep(options.pause)
                writer = random.choice(writers)
                view = writer.view(writer.commit(description="bench"))
                operation = writer.operation(view, *_heads_of(writer.workspace))
                started = time.monotonic()
                writer.set_heads(operation)
                known.append(child.await_moment("known") - started)
                committed.append(child.await_moment("committed") - started)
        print(
            f"{name:10} {count:6} {label:12} known {_spread(known)}   "
            f"committed {_spread(committed)}",
            flush=True,
        )


def _spread(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:7.2f} ms  p99 {cuts[98] * 1000:7.2f} ms"


# What it costs to wait


def _idle(name: str, url: str, root: Path, count: int, options: argparse.Namespace) -> None:
    """Measure a watcher that has looked at everything once, and for at least one such round."""
    seconds = max(options.seconds, WatchOptions().poll_interval_s)
    with _sessions(url) as sessions:
        site = WatchSite(sessions, root)
        states = [_make_quiet(site, number) for number in range(count)]
        with sessions.begin() as session:
            session.execute(insert(JjSyncState), states)
    with _child(_watch, url, root) as child:
        time.sleep(options.settle)
        used_s = child.cpu_s()
        time.sleep(seconds)
        used_s = child.cpu_s() - used_s
        grown = child.rss() - child.rss_before
        print(
            f"{name:10} {count:6} start {child.start_s:5.2f} s   "
            f"idle {used_s / seconds * 100:5.2f} % of a core   memory +{grown / 1024**2:.1f} MB",
            flush=True,
        )


def _make_quiet(site: WatchSite, number: int) -> dict[str, Any]:
    """Make a repository whose only head was read already; there is nothing else in it."""
    workspace, head = site.root / f"alice/r{number}", f"{number:0128x}"
    (workspace / _HEADS).mkdir(parents=True)
    (workspace / _HEADS / head).touch()
    return {
        "repo_id": site.add_row(f"r{number}"),
        "path": str(workspace),
        "op_heads": [head],
        "failures": 0,
        "is_watched": True,
        "synced_at": utc_now(),
    }


# The processes that watch


class _Child:
    """A process that watches, and tells what it does."""

    def __init__(self, process: SpawnProcess, pipe: Connection[Any, Any]) -> None:
        assert process.pid is not None
        self._pid = process.pid
        self._pipe = pipe
        self.rss_before, self.start_s = 0, 0.0

    def await_ready(self) -> None:
        """Wait until all is watched, and nothing is left to do."""
        self.rss_before = self._receive("begin")
        began = time.monotonic()
        self._receive("ready")
        self.start_s = time.monotonic() - began
        while self._pipe.poll(_QUIET_S):
            self._pipe.recv()

    def await_moment(self, what: str) -> float:
        """Return when it did that; what it told before is dropped."""
        moment: float = self._receive(what)
        return moment

    def cpu_s(self) -> float:
        """Return how many seconds of a core it has used."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self) -> int:
        """Return how many bytes of memory it has."""
        return _rss(self._pid)

    def _receive(self, wanted: str) -> Any:
        while True:
            assert self._pipe.poll(_PATIENCE_S), f"It did not tell of {wanted}."
            what, value = self._pipe.recv()
            if what == wanted:
                return value


class _Teller(Observer):
    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe

    def ready(self, watched: int) -> None:
        self._pipe.send(("ready", watched))

    def detected(self, seconds: float) -> None:
        self._pipe.send(("known", time.monotonic()))

    def reported(self, report: SyncReport) -> None:
        if report.state == "synced":
            self._pipe.send(("committed", time.monotonic()))


def _watch(url: str, root: Path, pipe: Connection[Any, Any]) -> None:
    """Watch as the product does."""
    with _sessions(url) as sessions:
        reader = JjReader(sessions, root, retry_delay_s=retry_delay_s)
        # What is there before a single repository is.
        list(watching.list_unwatched(sessions()))
        pipe.send(("begin", _rss(os.getpid())))
        inventory = Inventory(sessions, open_claims(sessions, root.parent / "run"))
        watcher = Watcher(reader, inventory, open_head_events(), observer=_Teller(pipe))
        signal.signal(signal.SIGTERM, lambda *_: watcher.stop())
        watcher.run()


def _poll(url: str, root: Path, pipe: Connection[Any, Any]) -> None:
    """Watch as the first design had it, but at the folder that does change."""
    with _sessions(url) as sessions:
        with sessions() as session:
            rows = list(watching.iter_watchable(session))
        places = {row.id: find_jj_workspace(root, row.disk_path) or root for row in rows}
        seen = {key: (path / _HEADS).stat().st_mtime_ns for key, path in places.items()}
        timers: dict[Any, float] = {}
        pipe.send(("begin", _rss(os.getpid())))
        pipe.send(("ready", len(places)))
        while True:
            for key, path in places.items():
                if (changed := (path / _HEADS).stat().st_mtime_ns) != seen[key]:
                    pipe.send(("known", time.monotonic()))
                    seen[key], timers[key] = changed, time.monotonic()
            for key in [key for key, at in timers.items() if time.monotonic() - at >= _DEBOUNCE_S]:
                del timers[key]
                sync_repository(sessions, key, places[key], root=root, now=utc_now())
                pipe.send(("committed", time.monotonic()))
            time.sleep(_POLL_S)


@contextmanager
def _child(
    watch: Callable[[str, Path, Connection[Any, Any]], None], url: str, root: Path
) -> Iterator[_Child]:
    ours, its = _SPAWN.Pipe()
    process = _SPAWN.Process(target=watch, args=(url, root, its))
    process.start()
    try:
        child = _Child(process, ours)
        child.await_ready()
        yield child
    finally:
        process.terminate()
        process.join()


@contextmanager
def _sessions(url: str) -> Iterator[sessionmaker[Session]]:
    engine = open_engine(url)
    try:
        yield make_sessions(engine)
    finally:
        engine.dispose()


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _heads_of(workspace: Path) -> list[str]:
    return [path.name for path in (workspace / _HEADS).iterdir()]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
