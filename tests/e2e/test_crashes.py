"""Whoever is killed in the middle of a push: what git accepted is recorded, once each."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.accounts import make_account
from tests.support.listing import listed_below
from tests.support.place import Place
from tests.support.processes import children_of, wait_until
from tests.support.server import RunningServer, run_git, running_server

pytestmark = pytest.mark.e2e

PUSHES = 100


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history to push from, which no test changes."""
    folder = tmp_path_factory.mktemp("work")
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    for number in range(PUSHES):
        run_git(folder, "commit", "--quiet", "--allow-empty", "-m", f"change {number}")
        run_git(folder, "tag", f"c{number}")
    return folder


def recorded(server: RunningServer) -> list[tuple[str, str]]:
    return [(str(row.before), str(row.after)) for row in Place(server).pushes("demo")[::-1]]


def audited(server: RunningServer) -> list[tuple[str, str]]:
    """Return what the audit trail says was done to the branch."""
    limits = ("--action", "repository.push", "--limit", "1000")
    events = json.loads(server.admin("audit", "list", *limits, "--json"))[::-1]
    updates = [update for event in events for update in event["after"]["updates"]]
    return [(update["before"], update["after"]) for update in updates]


def accepted(home: Path) -> list[tuple[str, str]]:
    """Return what git's own log says was done to the branch, less entries without effect."""
    gitdir = home / "repos/alice/demo.git"
    lines = (gitdir / "logs/refs/heads/main").read_text(encoding="utf-8").splitlines()
    entries = [(line.split(" ")[0], line.split(" ")[1]) for line in lines]
    value = run_git(gitdir, "rev-parse", "refs/heads/main").stdout.strip()
    effective = []
    for number, (old, new) in enumerate(entries):
        follows = entries[number + 1][0] if number + 1 < len(entries) else value
        if follows == new:
            effective.append((old, new))
    return effective


def push_all(server: RunningServer, work: Path, token: str, numbers: range) -> int:
    """Push each commit in turn until the server is gone; return the next number."""
    for number in numbers:
        if server.process.poll() is not None:
            return number
        url = server.remote("alice/demo", token=token)
        # A push with an option is a git child's work, one without may be the server's own.
        by_child = ("--push-option=x",) if number % 3 else ()
        commit = f"c{number}:refs/heads/main"
        run_git(work, "push", "--quiet", "--force", *by_child, url, commit, check=False)
    return PUSHES


def running(process: subprocess.Popen[bytes]) -> list[int]:
    return [] if process.poll() is not None else [process.pid]


@contextlib.contextmanager
def killing(
    victims: Callable[[], list[int]],
    home: Path,
    chance: random.Random,
    *,
    after_pushes: tuple[int, int] = (0, 0),
    most_s: float,
) -> Iterator[list[int]]:
    """Kill one of ``victims`` after ever new pauses, each time so many more pushes came through.

    With these it does not depend on the speed of the machine how much gets done and how much is
    lost. Yields the list of those that were killed.
    """
    done = threading.Event()
    killed: list[int] = []

    def kill() -> None:
        wanted = count_accepted(home) + chance.randint(*after_pushes)
        while not done.wait(chance.uniform(0, most_s)):
            if count_accepted(home) < wanted:
                continue
            with contextlib.suppress(ProcessLookupError, IndexError):
                victim = chance.choice(victims())
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)
            wanted = count_accepted(home) + chance.randint(*after_pushes)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        done.set()
        killer.join()


def count_accepted(home: Path) -> int:
    log = home / "repos/alice/demo.git/logs/refs/heads/main"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def test_killed_server_loses_and_doubles_nothing(tmp_path: Path, work: Path) -> None:
    home, chance = tmp_path / "home", random.Random(7)
    next_number, token, kills = 0, "", 0
    while next_number < PUSHES:
        with running_server(home) as server:
            if not token:
                token = make_account(server)
            itself = partial(running, server.process)
            with killing(itself, home, chance, after_pushes=(1, 10), most_s=0.3) as killed:
                next_number = push_all(server, work, token, range(next_number, PUSHES))
            kills += len(killed)

    with running_server(home) as server:
        assert recorded(server) == audited(server) == accepted(home)
        assert kills >= 3
        assert len(recorded(server)) > PUSHES // 4


def test_killed_worker_is_replaced_and_its_pushes_are_settled(tmp_path: Path, work: Path) -> None:
    home, chance = tmp_path / "home", random.Random(11)
    with running_server(home, "--workers=2") as server:
        token = make_account(server)

        workers = partial(children_of, server.process.pid)
        with killing(workers, home, chance, after_pushes=(1, 4), most_s=0.3) as killed:
            push_all(server, work, token, range(PUSHES // 2))

        # Those of a worker that died are recorded later than what the other took meanwhile.
        wait_until(lambda: sorted(recorded(server)) == sorted(accepted(home)))
        assert len(killed) >= 3
        assert len(recorded(server)) > PUSHES // 8


def test_killed_git_child_blocks_nothing_and_is_recorded_truly(tmp_path: Path, work: Path) -> None:
    home, chance = tmp_path / "home", random.Random(11)
    with running_server(home) as server:
        token = make_account(server)

        children = partial(children_of, server.process.pid)
        with killing(children, home, chance, most_s=0.05) as killed:
            push_all(server, work, token, range(PUSHES))
        url = server.remote("alice/demo", token=token)
        run_git(work, "push", "--quiet", "--force", url, "main")

        assert killed
        assert recorded(server) == accepted(home)
        assert not listed_below(home / "repos/alice/demo.git", "*.lock")


def test_lock_of_a_killed_worker_goes_though_others_are_at_work(tmp_path: Path, work: Path) -> None:
    with running_server(tmp_path / "home") as server:
        url = server.remote("alice/demo", token=make_account(server))
        run_git(work, "push", "--quiet", url, "c1:refs/heads/main")
        gitdir = tmp_path / "home/repos/alice/demo.git"
        for name in ("refs/heads/main", "HEAD"):
            lock = gitdir / f"{name}.lock"
            lock.touch()
            os.utime(lock, (0, 0))

        with subprocess.Popen(["sleep", "600"], cwd=gitdir) as waiting:
            try:
                run_git(work, "push", "--quiet", url, "c2:refs/heads/main")
                run_git(work, "push", "--quiet", "--push-option=x", url, "c3:refs/heads/main")
            finally:
                waiting.kill()

        assert len(recorded(server)) == 3
