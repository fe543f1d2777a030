"""What the kernel says of a server's processes."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """Return the live and the dead children of a process; zombies are among them."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (Path(entry.path) / "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry.name))
    return found


def peak_memory_bytes(pid: int) -> int:
    """Return the most memory that a process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) * 1024
