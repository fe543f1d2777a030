"""What one look at a folder of heads tells."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest

from wit_admin.jj.head_events import NoEvents
from wit_admin.services.watcher.inventory import KnownRepository
from wit_admin.services.watcher.watch_list import Watched, WatchList

HEADS = "alice/demo/.jj/repo/op_heads/heads"


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    made = tmp_path / HEADS
    made.mkdir(parents=True)
    # What changes it gets another time, however slowly the clock of the file system ticks.
    os.utime(made, (1, 1))
    return made


@pytest.fixture
def watch_list(tmp_path: Path) -> WatchList:
    return WatchList(tmp_path, NoEvents())


def located(watch_list: WatchList) -> Watched:
    known = KnownRepository(uuid.UUID(int=1), "alice/demo", "alice/demo.git", is_wanted=True)
    entry = watch_list.enter(known)
    assert watch_list.locate(entry)
    return entry


def later() -> float:
    return time.time() + 3600.0


def test_folder_that_stays_as_it_was_is_told_from_one_that_changed(
    watch_list: WatchList, heads: Path
) -> None:
    entry = located(watch_list)

    assert watch_list.may_have_changed(entry, later())
    assert not watch_list.may_have_changed(entry, later())
    (heads / "new").touch()
    assert watch_list.may_have_changed(entry, later())
    assert not watch_list.may_have_changed(entry, later())


def test_folder_that_has_just_changed_may_change_again_at_the_same_time(
    watch_list: WatchList, heads: Path
) -> None:
    entry = located(watch_list)
    changed = heads.stat().st_ctime

    assert [watch_list.may_have_changed(entry, changed + age) for age in (0.0, 1.0, -9.0)] == [
        True
    ] * 3


def test_other_folder_of_the_same_names_is_a_change(watch_list: WatchList, heads: Path) -> None:
    entry = located(watch_list)
    watch_list.may_have_changed(entry, later())

    heads.rename(heads.parent / "old")
    assert watch_list.may_have_changed(entry, later())
    heads.mkdir()

    assert watch_list.may_have_changed(entry, later())


def test_folder_that_others_may_change_unseen_is_always_looked_into(
    watch_list: WatchList, heads: Path
) -> None:
    """A file system that is not known to be local; here that of the processes."""
    heads.rmdir()
    heads.symlink_to("/proc/self/fdinfo")
    entry = located(watch_list)

    assert [watch_list.may_have_changed(entry, later()) for _ in range(3)] == [True] * 3
