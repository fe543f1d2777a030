"""Only what no live process can hold is swept."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from wit_admin.git.children import processes
from wit_admin.git.children.processes import is_in_use
from wit_admin.git.files.writes import replace_locked
from wit_admin.git.repositories.sweep import sweep

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
    (gitdir / f"{BRANCH}.lock").touch()
    linked = tmp_path / "link/demo.git"

    with somebody_at_work(gitdir):
        wait_until(lambda: is_in_use(gitdir))
        assert is_in_use(linked)
        assert sweep(linked, [BRANCH]) == []


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
