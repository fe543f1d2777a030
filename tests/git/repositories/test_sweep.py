"""Only what no live process can hold is swept."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from wit_admin.git.children import processes
from wit_admin.git.children.processes import is_in_use
from wit_admin.git.files.writes import replace_locked
from wit_admin.git.repositories import sweep as sweep_module
from wit_admin.git.repositories.sweep import free_locks, sweep

BRANCH = "refs/heads/main"


@pytest.fixture
def gitdir(tmp_path: Path) -> Path:
    folder = tmp_path / "demo.git"
    (folder / "refs/heads").mkdir(parents=True)
    return folder


@contextmanager
def somebody_at_work(folder: Path) -> Iterator[None]:
    with subprocess.Popen(["sleep", "60"], cwd=folder) as process:
        try:
            yield
        finally:
            process.kill()


def made_long_ago(path: Path, sign: int = -1) -> None:
    then = time.time() + sign * 3600
    os.utime(path, (then, then))


def test_lock_that_another_thread_holds_stays_and_a_stale_one_goes(gitdir: Path) -> None:
    with replace_locked(gitdir / BRANCH) as file:
        file.write(b"new")
        assert sweep(gitdir, [BRANCH]) == []
    lock = gitdir / f"{BRANCH}.lock"
    lock.touch()

    assert (gitdir / BRANCH).read_bytes() == b"new"
    assert sweep(gitdir, [BRANCH]) == [lock]


def test_lock_is_open_until_it_is_renamed(gitdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[list[Path]] = []
    rename = Path.rename

    def sweep_and_rename(path: Path, target: Path) -> Path:
        swept.append(sweep(gitdir, [BRANCH]))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", sweep_and_rename)
    with replace_locked(gitdir / BRANCH) as file:
        file.write(b"new")

    assert swept == [[]]


def test_who_works_behind_a_link_is_seen(gitdir: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    linked = tmp_path / "link/demo.git"

    with somebody_at_work(gitdir):
        wait_until(lambda: is_in_use(gitdir))
        (gitdir / f"{BRANCH}.lock").touch()
        assert is_in_use(linked)
        assert sweep(linked, [BRANCH]) == []


def test_lock_older_than_all_who_are_at_work_goes_but_no_quarantine(gitdir: Path) -> None:
    lock, quarantine = gitdir / f"{BRANCH}.lock", gitdir / "objects/incoming-a"
    quarantine.mkdir(parents=True)
    lock.touch()
    for path in (lock, quarantine):
        made_long_ago(path)

    with somebody_at_work(gitdir):
        wait_until(lambda: is_in_use(gitdir))
        assert sweep(gitdir, [BRANCH]) == [lock]
    assert sweep(gitdir, [BRANCH]) == [quarantine]


def test_new_lock_with_the_number_of_a_swept_one_stays(
    gitdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = gitdir / f"{BRANCH}.lock"
    lock.touch()
    made_long_ago(lock)
    in_use = processes.oldest_user

    def another_locks_it(folder: Path) -> float:
        lock.touch()  # a new time, the same number
        return in_use(folder)

    monkeypatch.setattr(sweep_module, "oldest_user", another_locks_it)

    assert sweep(gitdir, [BRANCH]) == []


@pytest.mark.parametrize("name", [BRANCH, "HEAD", "packed-refs"])
@pytest.mark.parametrize("is_old", [True, False])
def test_locks_are_freed_before_a_push_if_none_holds_them_so_long(
    gitdir: Path, name: str, *, is_old: bool
) -> None:
    lock = gitdir / f"{name}.lock"
    lock.touch()
    # A young one as if a clock was behind: however slow the test is, it does not grow old.
    made_long_ago(lock, -1 if is_old else 1)

    free_locks(gitdir, [BRANCH])

    assert lock.exists() is not is_old


def test_file_that_is_closed_meanwhile_does_not_hide_the_others(
    gitdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = tmp_path / "process"
    (process / "fd").mkdir(parents=True)
    (process / "cwd").symlink_to("/")
    for number in range(0, 20, 2):
        (process / f"fd/{number}").touch()
        (process / f"fd/{number + 1}").symlink_to("/dev/null")
    (process / "fd/20").symlink_to(gitdir / "HEAD.lock")
    (process / "fd/21").touch()
    monkeypatch.setattr(processes, "_process_folders", lambda: [process])

    assert is_in_use(gitdir)
