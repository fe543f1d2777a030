"""Syncs that are killed, that run beside each other, and beside pushes, lose nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from tests.support.repositories import commit, new_work
from tests.support.server import run_git
from tests.support.sync_site import Site
from tests.support.terminal import ROOT


def test_row_that_was_made_while_the_sync_planned_stays(ground: Site) -> None:
    ground.add("alice/demo.git")
    plan = ground.plan()
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id

    ground.apply(plan)

    assert ground.rows()["alice/demo"].id == repo_id
    ground.assert_settled()


_SYNC = """
import sys
from pathlib import Path
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.repositories import Visibility
from wit_admin.services.repo_sync import RepoSync
from wit_admin.services.sync_survey import SyncOptions
sync = RepoSync(make_sessions(open_engine(sys.argv[1])), Path(sys.argv[2]),
                SyncOptions(Visibility.PRIVATE))
task = sync.task(Path(sys.argv[2]).parent / "run")
with task.lock.hold():
    applied = task.apply(task.build())
print(applied.done)
"""


def start_sync(database_url: str, root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _SYNC, database_url, str(root)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


@pytest.fixture
def many(ground: Site) -> Site:
    """Three hundred repositories that the database does not know."""
    for number in range(300):
        ground.add(f"owner{number % 7}/repo{number}.git")
    return ground


def marked(ground: Site) -> Iterator[bool]:
    """Tell of each repository whether it has an id."""
    for path in ground.root.glob("*/*/config"):
        yield b"[wit]" in path.read_bytes()


def test_sync_that_is_killed_is_taken_up_by_the_next(many: Site, database_url: str) -> None:
    with start_sync(database_url, many.root) as process:
        wait_until(lambda: any(marked(many)))
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    many.sync()

    assert len(many.rows()) == 300
    assert list(many.root.rglob("config.lock")) == []
    assert list(many.root.rglob("config.wit-*")) == []
    many.assert_settled()


def test_two_syncs_at_once_end_as_one(many: Site, database_url: str) -> None:
    with start_sync(database_url, many.root) as one, start_sync(database_url, many.root) as other:
        printed = {one.communicate()[0].strip(), other.communicate()[0].strip()}

    assert printed == {b"{'owner': 7, 'adopt': 300}", b"{}"}
    assert len(many.rows()) == 300


def test_marks_are_written_beside_pushes(many: Site, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    commit(work, "one")

    def push() -> None:
        for number in range(20):
            folder = many.root / f"owner{number % 7}/repo{number}.git"
            run_git(work, "push", "--quiet", str(folder), "main")

    thread = threading.Thread(target=push)
    thread.start()
    many.sync()
    thread.join()
    many.sync()

    assert len(many.rows()) == 300
    assert many.rows()["owner0/repo0"].pushed_at is not None
    many.assert_settled()
