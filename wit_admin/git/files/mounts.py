"""Which kind of file system a folder is on. Source: proc_pid_mountinfo(5)."""

from __future__ import annotations

import os
import re
from pathlib import Path

_LOCAL = frozenset(
    {"bcachefs", "btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs"}
    | {"reiserfs", "tmpfs", "xfs", "zfs"}
)

_ESCAPED = re.compile(rb"\\([0-7]{3})")


def is_local(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Return whether a file system is local: looking at a known file never waits for a network.

    It is false if that is unknown.
    """
    path = os.fsencode(os.path.realpath(folder))
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return False
    nearest, found = b"", ""
    for point, kind in map(_parse, lines):
        # Of two mounts at the same place the later one hides the other.
        if _is_below(path, point) and len(point) >= len(nearest):
            nearest, found = point, kind
    return found in _LOCAL


def _parse(line: bytes) -> tuple[bytes, str]:
    mount, _, source = line.partition(b" - ")
    point = _ESCAPED.sub(lambda found: bytes((int(found[1], 8),)), mount.split(b" ")[4])
    return point, source.split(b" ")[0].decode("ascii", "replace")


def _is_below(path: bytes, point: bytes) -> bool:
    return path == point or path.startswith(point.rstrip(b"/") + b"/")
