"""Which servers work on one home folder, told by a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Presence:
    """A server's own mark on its home folder."""

    is_alone: bool
    """No other server was there when this one came: pending pushes are a dead one's."""
    _descriptor: int

    def admit_others(self) -> None:
        """Let other servers start, which wait until the first has put things in order."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)


@contextmanager
def server_presence(lock: Path) -> Iterator[Presence]:
    """Be present while the context lasts, or until the process dies."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield Presence(is_alone=False, _descriptor=descriptor)
        else:
            yield Presence(is_alone=True, _descriptor=descriptor)
    finally:
        os.close(descriptor)
