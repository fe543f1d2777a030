"""Which git processes are at work on this host, read from ``/proc``.

Source: proc(5), ``/proc/pid/environ``, ``/proc/pid/cwd`` and ``/proc/pid/stat``.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

from wit_admin.git.children.environment import PUSH_ID_HOST

_MARK = f"@{PUSH_ID_HOST}".encode()
_VARIABLE = b"GIT_COMMITTER_EMAIL="
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_START_TIME = 22 - 3
"""The field of ``stat``, counted after the name of the program, which may have blanks in it."""


def live_push_ids() -> set[str]:
    """Return the ids of the pushes that some process on this host still works on.

    A child of ``receive-pack`` inherits its environment, so the id lives as long as any of them,
    even when the server that began the push is gone.
    """
    found = set()
    for folder in _process_folders():
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for variable in variables:
            if variable.startswith(_VARIABLE) and variable.endswith(_MARK):
                email = variable.removeprefix(_VARIABLE).decode("ascii", "replace")
                found.add(email.removesuffix(_MARK.decode()))
    return found


def is_in_use(gitdir: Path) -> bool:
    """Return whether another process works in ``gitdir`` or has a file in it open."""
    return oldest_user(gitdir) < math.inf


def oldest_user(gitdir: Path) -> float:
    """Return since when the other processes have run that use ``gitdir``: the earliest start.

    In seconds of the epoch, rather too early than too late, and right as long as nobody sets the
    clock; infinity if there is no such process.
    """
    root = os.path.realpath(gitdir)
    users = (
        folder
        for folder in _process_folders()
        if any(target == root or target.startswith(f"{root}/") for target in _held_paths(folder))
    )
    return min(map(_start_time, users), default=math.inf)


def open_here() -> set[str]:
    """Return what this process has open, links resolved."""
    return set(_held_paths(Path("/proc/self")))


def _process_folders() -> list[Path]:
    own = str(os.getpid())
    with os.scandir("/proc") as entries:
        return [Path(entry.path) for entry in entries if entry.name.isdigit() and entry.name != own]


def _held_paths(folder: Path) -> Iterator[str]:
    try:
        yield str((folder / "cwd").readlink())
        with os.scandir(folder / "fd") as entries:
            for entry in entries:
                # A busy process closes some of them meanwhile.
                with contextlib.suppress(OSError):
                    yield str(Path(entry.path).readlink())
    except OSError:
        # It has ended, or belongs to a user whose processes this one may not inspect.
        return


def _start_time(folder: Path) -> float:
    try:
        fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
        since_boot = int(fields[_START_TIME]) / _TICKS_PER_S
    except (OSError, IndexError, ValueError):
        # It has just ended, perhaps. What is not known may be as old as anything.
        return -math.inf
    # In this order a pause between the two makes it too early.
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
