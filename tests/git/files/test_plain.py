"""Only what is a plain file and small enough is read, and nothing is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wit_admin.git.files.plain import read_plain

MOST = 10_000


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, MOST])
def test_file_is_read_whole(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)

    assert read_plain(str(tmp_path / "file"), MOST) == content


@pytest.mark.parametrize(("size", "most"), [(MOST + 1, MOST), (10**6, MOST), (11, 10)])
def test_file_that_is_larger_than_asked_for_is_refused(
    tmp_path: Path, size: int, most: int
) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)

    with pytest.raises(OSError, match="File too large"):
        read_plain(str(tmp_path / "file"), most)


def test_what_is_no_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"for somebody else")

    found = [read_plain(str(tmp_path / name), MOST) for name in ("none", "folder", "pipe")]

    assert found == [b"", b"", b""]
    assert os.read(writer, 100) == b"for somebody else"
    os.close(writer)


def test_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")

    with pytest.raises(OSError, match="symbolic links"):
        read_plain(str(tmp_path / "link"), MOST)
