"""A sync of a jj repository beside the naive way; the first one, and one of a single operation.

Run it from the root of the repository: python -m benchmarks.jj_sync [N] [--rounds R]

The history has a merge for each ten commits, and is packed. The naive way reads commits through
libgit2 and writes each row by the ORM, all of them each time, as the first design had it; it tells
neither conflicts nor what is empty, hidden, divergent or undone. What one operation costs is
measured in a repository of a tenth of the commits, too: it must not depend on that.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pygit2
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_demo
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.jj_writer import JjWriter
from tests.support.postgres import run_postgres
from wit_admin.__main__ import collect_garbage_seldom
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.jj import Change, ChangeCommit
from wit_admin.jj.change_ids import encode_change_id
from wit_admin.services.jj.sync import sync_repository

_OPERATIONS = 30
_EIGHTH = 7
_START_S = 1_700_000_000
_GOAL_PER_S = 25_000
_GOAL_MS = 20

Databases = SqliteDatabases | PostgresDatabases


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commits", metavar="N", type=int, nargs="?", default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-naive", action="store_true", help="it takes minutes")
    options = parser.parse_args()
    # As every command does.
    collect_garbage_seldom()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        (folder / "databases").mkdir()
        kinds: dict[str, Databases] = {
            "SQLite": SqliteDatabases(folder / "databases"),
            "PostgreSQL": PostgresDatabases(stack.enter_context(run_postgres()), "benchmark"),
        }
        sizes = (options.commits // 10, options.commits)
        histories = {size: History(folder / str(size), size) for size in sizes}
        for name, kind in kinds.items():
            _measure_first(name, kind, histories[sizes[1]], options.rounds)
            costs = [_measure_operation(name, kind, histories[size]) for size in sizes]
            print(f"{name:11} operation: {costs[1] / costs[0]:.2f} x as much with 10 x the history")
            if not options.without_naive:
                _measure_naive(name, kind, histories[sizes[1]])


class History:
    """A generated repository, and the next operation on it."""

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self.writer = JjWriter(folder)
        self._chance = random.Random(size)
        self._trees = [self.writer.tree({f"file{n}": str(n)}) for n in range(64)]
        commits = [self._commit(0)]
        for number in range(1, size):
            # Of ten commits the eighth begins a side line, and the tenth merges one.
            parent = commits[-2] if number > _EIGHTH and number % 10 == _EIGHTH else commits[-1]
            side = [commits[-4]] if number % 10 == 0 else []
            commits.append(self._commit(number, parent, *side))
        self.tip = commits[-1]
        self._pack()
        self._operation = self.writer.publish(self._view(self.tip))
        self._number = size

    def work(self) -> None:
        """Rewrite the working copy's commit, as a snapshot does."""
        self._number += 1
        commit = self._commit(self._number, self.tip)
        self._operation = self.writer.publish(
            self._view(commit), self._operation, description="snapshot working copy"
        )

    def _view(self, commit: str) -> str:
        return self.writer.view(
            commit, bookmarks={"main": self.tip}, working_copies={"default": commit}
        )

    def _commit(self, number: int, *parents: str) -> str:
        names = {f"part{n}": self._trees[(number >> n) % 64] for n in range(4)}
        return self.writer.commit(
            *parents,
            description=f"commit {number}\n\nWhat it does, in some words, and why.\n",
            tree=self.writer.tree_of(names),
            change_id=encode_change_id(self._chance.randbytes(16)),
            seconds=_START_S + number * 60,
        )

    def _pack(self) -> None:
        git = ["git", "-C", str(self.writer.gitdir)]
        for line in (
            ["update-ref", "refs/jj/keep/tip", self.tip],
            ["repack", "-adq"],
            ["prune-packed", "-q"],
        ):
            subprocess.run([*git, *line], check=True)


@contextmanager
def _open(kind: Databases) -> Iterator[tuple[sessionmaker[Session], uuid.UUID]]:
    with kind.create() as url:
        engine = open_engine(url)
        sessions = make_sessions(engine)
        with sessions.begin() as session:
            repo_id = make_demo(session)[1]
        yield sessions, repo_id
        engine.dispose()


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of wall clock and of our CPU."""
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - cpu


def _measure_first(name: str, kind: Databases, history: History, rounds: int) -> None:
    found = []
    for _ in range(rounds):
        with _open(kind) as (sessions, repo_id):
            found.append(_timed(lambda: _sync(sessions, repo_id, history)))
    wall, cpu = (statistics.median(times) for times in zip(*found, strict=True))
    print(
        f"{name:11} first sync of {history.size} commits: {wall * 1000:.0f} ms wall, "
        f"{cpu * 1000:.0f} ms CPU: {history.size / wall:,.0f} commits/s (goal {_GOAL_PER_S:,})"
    )


def _measure_operation(name: str, kind: Databases, history: History) -> float:
    found = []
    with _open(kind) as (sessions, repo_id):
        _sync(sessions, repo_id, history)
        for _ in range(_OPERATIONS):
            history.work()
            found.append(_timed(lambda: _sync(sessions, repo_id, history)))
    wall, cpu = map(statistics.median, zip(*found, strict=True))
    print(
        f"{name:11} one operation with {history.size} commits: {wall * 1000:.1f} ms wall "
        f"(goal {_GOAL_MS}), {cpu * 1000:.1f} ms CPU"
    )
    return float(cpu)


def _sync(sessions: sessionmaker[Session], repo_id: uuid.UUID, history: History) -> None:
    sync_repository(sessions, repo_id, history.writer.workspace, now=NOW)


def _measure_naive(name: str, kind: Databases, history: History) -> None:
    with _open(kind) as (sessions, repo_id):
        for what in ("first", "next"):
            wall, cpu = _timed(lambda: _sync_naively(sessions, repo_id, history))
            print(
                f"{name:11} naive {what} sync: {wall * 1000:.0f} ms wall, {cpu * 1000:.0f} ms CPU"
            )


def _sync_naively(sessions: sessionmaker[Session], repo_id: uuid.UUID, history: History) -> None:
    repository = pygit2.Repository(str(history.writer.gitdir))
    with sessions.begin() as session:
        for commit in repository.walk(pygit2.Oid(hex=history.tip)):
            raw = commit.read_raw()
            change_id = raw.partition(b"change-id ")[2][:32].decode()
            moment = datetime.fromtimestamp(commit.commit_time, UTC)
            session.merge(
                Change(
                    repo_id=repo_id,
                    change_id=change_id,
                    commit_id=str(commit.id),
                    description=commit.message,
                    author_name=commit.author.name,
                    author_email=commit.author.email,
                    authored_at=moment,
                    committed_at=moment,
                )
            )
            parents = [str(parent) for parent in commit.parent_ids]
            session.merge(
                ChangeCommit(
                    repo_id=repo_id,
                    commit_id=str(commit.id),
                    change_id=change_id,
                    parents=parents,
                )
            )


if __name__ == "__main__":
    main()
