"""CPU time of a server and of every process it ever started, from a control group of its own.

A sum over ``/proc/<pid>/stat`` will not do: fcgiwrap ignores SIGCHLD, so the kernel forgets what
its CGI children used instead of adding it to the parent. A control group forgets nobody, counts
in microseconds instead of ticks, and treats both servers alike.

Source: the kernel's cgroup-v2 document, "cpu.stat" (there without any controller enabled).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_JOIN = 'echo $$ > "$0" && exec "$@"'
_QUIET_S = 0.0005
_LOOK_S = 0.02
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class CpuGroup:
    """A control group that only counts; nothing in it is limited."""

    folder: Path

    @property
    def launcher(self) -> tuple[str, ...]:
        """What to put before a command line so that it runs in here from its first instruction."""
        return ("/bin/sh", "-c", _JOIN, str(self.folder / "cgroup.procs"))

    def used_s(self) -> float:
        """Return the CPU seconds of all processes, living and dead, since the group was made."""
        first_line = (self.folder / "cpu.stat").read_text(encoding="ascii").partition("\n")[0]
        return int(first_line.removeprefix("usage_usec ")) / 1e6

    def settle(self) -> None:
        """Wait until the server rests: what it does after its answer is part of the work."""
        deadline = time.monotonic() + _PATIENCE_S
        before = self.used_s()
        while time.monotonic() < deadline:
            time.sleep(_LOOK_S)
            now = self.used_s()
            if now - before < _QUIET_S:
                return
            before = now

    def remove(self) -> None:
        """Remove the group once its last process has gone."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self.folder.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_S)
            else:
                return


def make_group(name: str) -> CpuGroup | None:
    """Make a group below our own; ``None`` where this user may not, or there is no cgroup v2."""
    mount = _mount_point()
    if mount is None:
        return None
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    folder = mount / own / f"wit-bench-{os.getpid()}-{name}"
    try:
        folder.mkdir()
    except OSError:
        return None
    group = CpuGroup(folder)
    if not os.access(folder / "cgroup.procs", os.W_OK) or not (folder / "cpu.stat").exists():
        group.remove()
        return None
    return group


def _mount_point() -> Path | None:
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(folder)
    return None
