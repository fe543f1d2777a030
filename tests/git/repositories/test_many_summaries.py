"""What is seen of many repositories is the same with a second process, without, and if it dies."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import is_running, wait_until
from wit_admin.git.children.program import own_program
from wit_admin.git.repositories import many_summaries, storage
from wit_admin.git.repositories.many_summaries import Summaries
from wit_admin.git.repositories.summary import Summary
from wit_admin.git.repositories.summary_helper import Look

MANY = 120
"""Times ten folders."""
START_AND_WAIT = """
import sys, time
from pathlib import Path
from wit_admin.git.repositories import many_summaries
from wit_admin.git.repositories.many_summaries import Summaries

many_summaries.WORTH_A_HELPER, many_summaries._count_cores = 1, lambda: 2
summaries = Summaries()
for _ in range(1000):
    summaries.add(sys.argv[1])
print(Path(f"/proc/self/task/{Path('/proc/self').readlink()}/children").read_text(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """More than a thousand folders to look into, a few of them again and again."""
    for number in range(5):
        storage.create_bare(tmp_path, f"alice/r{number}.git", head=f"b{number}")
    (tmp_path / "alice/r1.git/description").write_text("Ünser\n")
    (tmp_path / "alice/r2.git/HEAD").write_text("1" * 40)
    (tmp_path / "alice/r3.git/HEAD").unlink()
    (tmp_path / "alice/r4.git/config").unlink()
    (tmp_path / "alice/r4.git/config").symlink_to("elsewhere")
    odd = os.fsdecode(b"alice/\xff.git")
    storage.create_bare(tmp_path, odd)
    names = [*(f"alice/r{number}.git" for number in range(5)), odd]
    names += ["alice/none.git", "alice/r1.git", "alice/r0.git", "alice"]
    return [f"{tmp_path}/{name}" for name in names] * MANY


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which a helper is of use, and soon."""
    monkeypatch.setattr(many_summaries, "_count_cores", lambda: 2)
    monkeypatch.setattr(many_summaries, "WORTH_A_HELPER", 200)


def look(paths: list[str]) -> list[Look]:
    with Summaries() as summaries:
        for path in paths:
            summaries.add(path)
        return summaries.take()


def plain(looks: list[Look]) -> list[object]:
    return [
        look if isinstance(look, Summary) else (type(look), look.errno, look.filename)
        for look in looks
    ]


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists()


def test_nothing_is_handed_over_without_a_helper(paths: list[str]) -> None:
    with Summaries() as summaries:
        summaries.hand_over()
        assert summaries.take() == []
        for path in paths[:10]:
            summaries.add(path)
        summaries.hand_over()

        assert len(summaries.take()) == 10


def test_one_core_has_no_helper(paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_summaries, "_count_cores", lambda: 1)
    monkeypatch.setattr(many_summaries, "WORTH_A_HELPER", 1)
    with Summaries() as summaries:
        for path in paths:
            summaries.add(path)
        summaries.take()

        assert summaries.helper_pid is None


@pytest.mark.usefixtures("two_cores")
def test_helper_sees_the_same(paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with Summaries() as summaries:
        found = []
        for is_handed_over in (False, True, True, False):  # one helper, for all parts
            for path in paths:
                summaries.add(path)
            if is_handed_over:
                summaries.hand_over()
            found.append(plain(summaries.take()))
        helper = summaries.helper_pid
        assert helper is not None
        assert is_there(helper)
    monkeypatch.setattr(many_summaries, "_count_cores", lambda: 1)
    expected = plain(look(paths))

    assert found == [expected] * 4
    assert not is_there(helper)
    assert [type(one) for one in expected[:10]].count(Summary) == 6


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize(
    ("after", "is_handed_over"), [(200, False), (350, False), (1199, False), (1199, True)]
)
def test_helper_that_is_killed_is_done_without(
    paths: list[str], after: int, is_handed_over: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with Summaries() as summaries, caplog.at_level(logging.WARNING):
        for number, path in enumerate(paths):
            summaries.add(path)
            if number == after:
                if is_handed_over:
                    summaries.hand_over()
                assert summaries.helper_pid is not None
                os.kill(summaries.helper_pid, signal.SIGKILL)
        found = summaries.take()
        for path in paths:
            summaries.add(path)

        assert plain(summaries.take()) == plain(found)
        assert summaries.helper_pid is None
    assert plain(found)[:10] * MANY == plain(found)
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("code", ["pass", "import sys; sys.stdin.buffer.read(9)", "1 / 0"])
def test_helper_that_fails_is_done_without(
    paths: list[str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_summaries, "own_program", lambda *_: (sys.executable, "-c", code))

    assert plain(look(paths))[-10:] * MANY == plain(look(paths))


@pytest.mark.usefixtures("two_cores")
def test_helper_that_cannot_be_started_is_done_without(
    paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_summaries, "own_program", lambda *_: ("/no/such/program",))

    assert len(look(paths)) == len(paths)


def test_helper_ends_with_who_started_it(paths: list[str]) -> None:
    command = [sys.executable, "-c", START_AND_WAIT, paths[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        helper = int(parent.stdout.readline())
        assert is_there(helper)
        parent.send_signal(signal.SIGKILL)

    wait_until(lambda: not is_running(helper))


def test_helper_is_of_this_package_wherever_it_runs(tmp_path: Path) -> None:
    (tmp_path / "wit_admin").mkdir()
    (tmp_path / "wit_admin/__init__.py").write_text("raise SystemExit('not this one')")

    done = subprocess.run(
        own_program("wit_admin.git.repositories.summary_helper", "serve"),
        cwd=tmp_path,
        input=b"",
        capture_output=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == (b"", b"")
