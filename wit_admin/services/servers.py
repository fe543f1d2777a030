"""The serving processes of one home folder; each holds a lock that ends with it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from wit_admin.db.base import new_id
from wit_admin.git.files.locks import acquire, is_locked, lock_file

_UNFINISHED = ".new-"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One serving process among those of its folder."""

    servers: Servers
    server_id: str


@dataclass(frozen=True, slots=True)
class Servers:
    """The serving processes of one home folder; ``run_dir`` is the folder of their locks."""

    run_dir: Path

    @contextmanager
    def enrol(self) -> Iterator[Enrolment]:
        """Count this process as alive until the context ends or it dies."""
        self._folder.mkdir(parents=True, exist_ok=True)
        server_id = f"{self._mark}-{new_id()}"
        # The file is locked before it gets its name, so nobody sees it without the lock.
        unfinished = self._folder / f"{_UNFINISHED}{server_id}"
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            acquire(descriptor)
            unfinished.rename(self._folder / server_id)
            yield Enrolment(self, server_id)
        finally:
            with suppress(FileNotFoundError):
                (self._folder / server_id).unlink()
            os.close(descriptor)

    def is_dead(self, server_id: str | None) -> bool:
        """Return whether a process of this home folder has ended; false for unknown ids.

        Entries without an id are older than such ids, so their servers have ended.
        """
        if server_id is None:
            return True
        # Two home folders on one host may share a database; each knows only its own servers.
        return server_id.startswith(f"{self._mark}-") and _is_gone(self._folder / server_id)

    def forget_the_dead(self) -> None:
        """Remove the lock files of processes that were killed."""
        for path in self._folder.glob(f"{self._mark}-*"):
            if _is_gone(path):
                path.unlink(missing_ok=True)

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Wait until no other process of this home folder is in this block."""
        with lock_file(self.run_dir / "replay.lock"):
            yield

    @property
    def _folder(self) -> Path:
        return self.run_dir / "servers"

    @property
    def _mark(self) -> str:
        return hashlib.blake2s(bytes(self.run_dir.resolve()), digest_size=4).hexdigest()


def _is_gone(path: Path) -> bool:
    try:
        return not is_locked(path)
    except FileNotFoundError:
        return True
