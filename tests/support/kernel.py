"""What the kernel keeps of a process: children not yet reaped, the most memory it ever had."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path


def unreaped_children_of(pid: int) -> list[int]:
    """Return the children of a process, zombies among them."""
    found: list[int] = []
    # A thread that ends meanwhile has no list, a process that is gone has no threads.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


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
