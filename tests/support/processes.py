"""Which processes there are, and waiting until something is so."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0
"""However busy the machine is, what is to come comes within this."""


def children_of(parent: int) -> list[int]:
    """Return the processes that ``parent`` started and that still run."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, ppid = _stat(int(entry.name))[:2]
                if int(ppid) == parent and state != "Z":
                    found.append(int(entry.name))
    return found


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return _stat(pid)[0] != "Z"
    except OSError:
        return False


def is_receiving(pid: int) -> bool:
    """Tell whether a process is git taking in a push."""
    with contextlib.suppress(OSError):
        return b"receive-pack" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def open_files(pid: int) -> list[str]:
    """Return what a running process has open; what it closes meanwhile is left out.

    Raises:
        OSError: It has ended.
    """
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return found


def processes_with(variable: str) -> list[int]:
    """Return the processes that were started with ``NAME=value`` in their environment."""
    found = []
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and variable.encode() in (
                Path(entry.path, "environ").read_bytes().split(b"\0")
            ):
                found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    """Return when ``condition`` holds; it never does for long in a test that fails."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "What was waited for did not come."
        time.sleep(0.01)


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
