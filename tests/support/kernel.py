"""What the kernel keeps of a process: children not yet reaped, the most memory it ever had."""

from __future__ import annotations

import re
from pathlib import Path


def unreaped_children_of(pid: int) -> list[int]:
    """Return the children of a process, zombies among them."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for found in lists for child in found.read_text().split()]


def memory_bytes(pid: int) -> int:
    """Return how much memory of a process is resident."""
    return _status_bytes(pid, "VmRSS")


def peak_memory_bytes(pid: int) -> int:
    """Return the most memory that a process ever had resident."""
    return _status_bytes(pid, "VmHWM")


def _status_bytes(pid: int, field: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) * 1024
