from __future__ import annotations

import os
from pathlib import Path

import pytest

from wit_admin.git.files.locks import is_locked
from wit_admin.git.files.writes import replace_locked, write_whole
from wit_admin.git.repositories import storage


def test_file_that_cannot_be_put_in_place_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()

    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "taken", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_interrupted_change_leaves_neither_lock_nor_half_a_file(tmp_path: Path) -> None:
    head = tmp_path / "HEAD"
    head.write_bytes(b"old")

    with pytest.raises(KeyboardInterrupt):
        _begin_and_interrupt(head)

    assert [path.name for path in tmp_path.iterdir()] == ["HEAD"]
    assert head.read_bytes() == b"old"


def test_only_one_at_a_time_changes_a_file(tmp_path: Path) -> None:
    with replace_locked(tmp_path / "HEAD") as first:
        first.write(b"first")
        with pytest.raises(FileExistsError), replace_locked(tmp_path / "HEAD"):
            pass

    assert (tmp_path / "HEAD").read_bytes() == b"first"


def test_folder_is_locked_while_its_maker_lives(tmp_path: Path) -> None:
    with storage.one_at_a_time(tmp_path):
        assert is_locked(tmp_path)

    assert not is_locked(tmp_path)


def test_what_is_no_folder_does_not_stop_the_sweep(tmp_path: Path) -> None:
    """It stopped the making of every repository of that owner."""
    (tmp_path / ".new~dead").mkdir()
    (tmp_path / ".new~link").symlink_to(tmp_path / ".new~link")
    (tmp_path / ".new~file").touch()
    for name in (".new~dead", ".new~file"):
        os.utime(tmp_path / name, (0, 0))

    storage.sweep_half_made(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [".new~file", ".new~link"]


def _begin_and_interrupt(path: Path) -> None:
    with replace_locked(path) as file:
        file.write(b"ne")
        raise KeyboardInterrupt
