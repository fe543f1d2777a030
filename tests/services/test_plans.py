"""A plan is built without side effects and applied one action at a time, under a lock."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.processes import wait_until
from tests.support.terminal import ROOT, read_until
from wit_admin.cli._output import Output
from wit_admin.cli._plans import Consent, run_task
from wit_admin.errors import (
    BatchError,
    BusyError,
    ConflictError,
    InvalidInputError,
    UnavailableError,
)
from wit_admin.services.locks import Lock
from wit_admin.services.plans import Action, Plan, Remark, Task


@dataclass(frozen=True, slots=True)
class Make(Action):
    """Make a file."""

    path: Path
    kind = "make"

    @property
    def target(self) -> str:
        return self.path.name

    @property
    def sentence(self) -> str:
        return f"{self.path.name} is missing and will be made."


@dataclass(frozen=True, slots=True)
class Remove(Action):
    """Remove a file."""

    path: Path
    kind = "remove"
    is_destructive = True

    @property
    def target(self) -> str:
        return self.path.name

    @property
    def sentence(self) -> str:
        return f"{self.path.name} is not wanted and will be removed."


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that shall hold just these files."""

    path: Path
    lock: Lock
    wanted: tuple[str, ...] = ("a", "b", "c")

    def plan(self) -> Plan[Make | Remove]:
        present = {path.name for path in self.path.iterdir()}
        missing = [Make(self.path / name) for name in self.wanted if name not in present]
        extra = [Remove(self.path / name) for name in sorted(present - {*self.wanted})]
        return Plan((*missing, *extra), (Remark("odd", "x\x1b[2J", "It is odd."),))

    def do(self, action: Make | Remove) -> None:
        if action.target == "bad":
            raise ConflictError("It is bad.")
        if action.target == "gone":
            raise UnavailableError("The disk is gone.")
        if isinstance(action, Make):
            action.path.touch()
        else:
            action.path.unlink(missing_ok=True)

    def task(
        self, many: Callable[[Sequence[Make | Remove]], object] | None = None
    ) -> Task[Make | Remove]:
        return Task(self.plan, self.do, self.lock, many, batch_size=2)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())


@pytest.fixture
def folder(sessions: sessionmaker[Session], tmp_path: Path) -> Folder:
    """An empty folder, and a lock on either kind of database."""
    (tmp_path / "folder").mkdir()
    return Folder(tmp_path / "folder", Lock(sessions, tmp_path / "run", "test"))


def test_plan_says_what_it_would_do_and_does_nothing(folder: Folder) -> None:
    (folder.path / "z").touch()

    plan = folder.plan()

    assert plan.count() == {"make": 3, "remove": 1}
    assert plan.is_destructive
    assert plan.to_json()["actions"][3] == {
        "kind": "remove",
        "target": "z",
        "sentence": "z is not wanted and will be removed.",
        "is_destructive": True,
    }
    assert folder.names() == ["z"]


def test_applied_twice_the_second_plan_is_empty(folder: Folder) -> None:
    task = folder.task()

    applied = task.apply(folder.plan())

    assert applied.done == {"make": 3}
    assert folder.plan().actions == ()
    assert folder.names() == ["a", "b", "c"]


def test_stale_plan_does_no_harm(folder: Folder) -> None:
    plan = folder.plan()
    folder.task().apply(plan)

    folder.task().apply(plan)

    assert folder.names() == ["a", "b", "c"]


def test_failed_action_does_not_stop_the_others(folder: Folder) -> None:
    plan = Plan((*(Make(folder.path / name) for name in ("a", "bad", "b")),))

    applied = folder.task().apply(plan)

    assert applied.done == {"make": 2}
    assert [(failure.target, failure.sentence) for failure in applied.failures] == [
        ("bad", "It is bad.")
    ]
    with pytest.raises(BatchError, match="1 of 3 actions failed"):
        applied.raise_for_failures()


def test_failure_of_the_disk_is_told_by_item(folder: Folder) -> None:
    plan = Plan((Make(folder.path / "no" / "where"), Make(folder.path / "a")))

    applied = folder.task().apply(plan)

    assert "No such file or directory" in applied.failures[0].sentence
    assert folder.names() == ["a"]


def test_what_is_gone_for_all_ends_the_run(folder: Folder) -> None:
    plan = Plan((*(Make(folder.path / name) for name in ("a", "gone", "b")),))

    with pytest.raises(UnavailableError):
        folder.task().apply(plan)

    assert folder.names() == ["a"]


def test_batch_with_a_bad_action_is_done_one_by_one(folder: Folder) -> None:
    sizes = []

    def do_many(actions: Sequence[Make | Remove]) -> None:
        sizes.append(len(actions))
        if any(action.target == "bad" for action in actions):
            raise ConflictError("One of them is bad.")
        for action in actions:
            folder.do(action)

    names = ("a", "bad", "b", "c", "d")
    plan = Plan((*(Make(folder.path / name) for name in names),))

    applied = folder.task(do_many).apply(plan)

    assert sizes == [2, 2]
    assert applied.done == {"make": 4}
    assert [failure.target for failure in applied.failures] == ["bad"]
    assert folder.names() == ["a", "b", "c", "d"]


def test_progress_reaches_the_end(folder: Folder) -> None:
    seen: list[tuple[int, int]] = []

    folder.task().apply(folder.plan(), lambda done, total: seen.append((done, total)))

    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_only_one_holds_the_lock(folder: Folder) -> None:
    with (
        folder.lock.hold(),
        pytest.raises(BusyError),
        folder.lock.hold(wait=False),
    ):
        pass

    with folder.lock.hold(wait=False):
        pass


def test_who_waits_gets_the_lock_when_it_is_free(folder: Folder) -> None:
    order = []

    def second() -> None:
        with folder.lock.hold():
            order.append("second")

    with folder.lock.hold():
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join(60)

    assert order == ["first", "second"]


_HOLD = """
import sys
from pathlib import Path
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.services.locks import Lock
with Lock(make_sessions(open_engine(sys.argv[1])), Path(sys.argv[2]), "test").hold():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock_of_a_killed_process_is_free(
    folder: Folder, database_url: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _HOLD, database_url, str(tmp_path / "run")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        read_until(process.stdout, b"held")
        with pytest.raises(BusyError), folder.lock.hold(wait=False):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait(60)

    wait_until(lambda: _is_free(folder.lock))


def _is_free(lock: Lock) -> bool:
    try:
        with lock.hold(wait=False):
            return True
    except BusyError:
        return False


def test_dry_run_shows_the_plan_and_does_nothing(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    run_task(Output(), folder.task(), Consent(is_dry_run=True), question="Do it?")

    shown = capsys.readouterr()
    assert shown.out.startswith("make\ta\ta is missing and will be made.\n")
    assert "\x1b" not in shown.out
    assert shown.err == "Would be done: make 3.\n"
    assert folder.names() == []


def test_plan_that_takes_nothing_away_needs_no_confirmation(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    run_task(Output(), folder.task(), Consent(no_input=True), question="Do it?")

    shown = capsys.readouterr()
    assert shown.out == "make\t3\n"
    assert shown.err == "odd x\\x1b[2J: It is odd.\n"


def test_destructive_plan_is_not_applied_unasked(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.path / "z").touch()

    with pytest.raises(InvalidInputError, match="confirmation"):
        run_task(Output(), folder.task(), Consent(no_input=True), question="Do it?")

    assert folder.names() == ["z"]
    assert "z is not wanted and will be removed." in capsys.readouterr().err
    run_task(Output(), folder.task(), Consent(yes=True), question="Do it?")
    assert folder.names() == ["a", "b", "c"]


def test_failures_are_raised_after_the_result_is_printed(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = Folder(folder.path, folder.lock, ("a", "bad"))

    with pytest.raises(BatchError):
        run_task(Output(as_json=True), bad.task(), Consent(), question="Do it?")

    assert '"done": {"make": 1}' in capsys.readouterr().out
    assert folder.names() == ["a"]
