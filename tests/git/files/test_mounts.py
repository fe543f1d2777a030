"""Whether a look at a file may have to wait for a network is known from the mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from wit_admin.git.files.mounts import is_local

LINE = "36 35 98:0 / {} rw,noatime master:1 - {} source rw\n"


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ([("/", "ext4")], True),
        ([("/", "nfs4")], False),
        ([("/", "ext4"), ("{}", "nfs4")], False),
        ([("{}", "xfs"), ("/", "nfs4")], True),
        ([("/", "ext4"), ("{}-beside", "nfs4")], True),
        ([("{}", "nfs4"), ("{}", "tmpfs")], True),
        ([("/", "fuse.sshfs")], False),
        ([], False),
    ],
)
def test_the_mount_nearest_above_decides(
    tmp_path: Path, mounts: list[tuple[str, str]], *, expected: bool
) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    shown = str(folder).replace(" ", "\\040")
    table = tmp_path / "mountinfo"
    table.write_text("".join(LINE.format(point.format(shown), kind) for point, kind in mounts))

    assert is_local(folder, table) is expected


def test_what_is_not_known_is_taken_for_slow(tmp_path: Path) -> None:
    assert not is_local(tmp_path, tmp_path / "missing")
