"""What is told of folders of operation heads, by the kernel itself."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from wit_admin.jj.head_events import Happened, Inotify


@pytest.fixture
def events() -> Iterator[Inotify[str]]:
    opened = Inotify[str]()
    yield opened
    opened.close()


def folder(tmp_path: Path, name: str) -> Path:
    made = tmp_path / name
    made.mkdir()
    return made


def test_added_and_moved_names_are_told(events: Inotify[str], tmp_path: Path) -> None:
    one, two = folder(tmp_path, "one"), folder(tmp_path, "two")
    (tmp_path / "name").touch()
    (one / "old").touch()
    for key in (one, two):
        assert events.watch(key.name, str(key)) is not None

    (one / "old").unlink()
    assert events.read() == Happened()
    (one / "new").touch()
    (tmp_path / "name").rename(two / "name")

    assert events.read() == Happened(changed={"one", "two"})
    assert events.read() == Happened()


@pytest.mark.parametrize("is_moved", [False, True])
def test_folder_that_goes_away_is_told_once_and_watched_no_more(
    events: Inotify[str], tmp_path: Path, *, is_moved: bool
) -> None:
    watched = folder(tmp_path, "watched")
    events.watch("key", str(watched))

    if is_moved:
        watched.rename(tmp_path / "elsewhere")
    else:
        watched.rmdir()
    assert events.read().ended == {"key"}

    again = folder(tmp_path, "watched")
    events.watch("key", str(again))
    if is_moved:
        (tmp_path / "elsewhere/name").touch()
    assert events.read() == Happened()
    (again / "name").touch()
    assert events.read().changed == {"key"}


def test_forgotten_folder_is_told_of_no_more(events: Inotify[str], tmp_path: Path) -> None:
    watched = folder(tmp_path, "watched")
    handle = events.watch("key", str(watched))
    assert handle is not None
    (watched / "name").touch()

    events.forget(handle)
    events.forget(handle)

    (watched / "other").touch()
    assert events.read() == Happened()


def test_folder_that_two_share_is_watched_for_the_first(
    events: Inotify[str], tmp_path: Path
) -> None:
    watched = folder(tmp_path, "watched")

    first = events.watch("first", str(watched))

    assert events.watch("second", str(watched)) is None
    assert events.watch("first", str(watched)) == first
    (watched / "name").touch()
    assert events.read().changed == {"first"}


def test_what_cannot_be_watched_is_to_be_polled(events: Inotify[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert events.watch("absent", str(tmp_path / "absent")) is None
    assert events.watch("file", str(tmp_path / "file")) is None
    assert events.complaint is None


def test_queue_that_ran_over_is_told(events: Inotify[str], tmp_path: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 20_000:
        pytest.skip("the queue is too long to fill it")
    folders = [folder(tmp_path, str(number)) for number in range(2)]
    for each in folders:
        events.watch(each.name, str(each))

    # Equal events in a row are one to the kernel.
    for number in range(limit // 2 + 10):
        for each in folders:
            (tmp_path / "name").touch()
            (tmp_path / "name").rename(each / f"name{number % 2}")

    assert events.read().is_incomplete


def test_without_descriptors_all_is_polled_and_watched_when_there_are_some(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    Inotify[str]().close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        events = Inotify[str]()
        assert (events.fileno(), events.watch("key", str(tmp_path))) == (None, None)
        assert events.read() == Happened()
        complaint = events.complaint
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert complaint is not None
    assert "max_user_instances" in complaint

    assert events.watch("key", str(tmp_path)) is not None

    assert events.complaint is None
    (tmp_path / "name").touch()
    assert events.read().changed == {"key"}
    events.close()
