"""What the kernel keeps of a process: children not yet reaped, the most memory it ever had."""

from __future__ import annotations

import re
from pathlib import Path


def unreaped_children_of(pid: int) -> list[int]:
    """Return the children of a process, zombies among them."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for found in lists for child in found.read_text().split()]


def peak_memory_bytes(pid: int) -> int:
    """Return the most memory that a process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) * 1024
