"""A file with the repositories that were public when last served, shared by all workers.

Each process remembers what it has served. When the database is gone, this file adds what other
workers, and earlier ones, have served.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from wit_admin.names import RepoName

_ID_BYTES = 16
_SLOTS = 65536
"""The number of slots; if two names share a slot, only the later one is known."""


class KnownPublic:
    """Ids of repositories by name, in a file of fixed size. Written without a lock.

    A reader may get half of an old and half of a new id, which is the id of no repository.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def note(self, name: RepoName, repo_id: uuid.UUID) -> None:
        """Remember a repository that anybody may read."""
        if self.find(name) != repo_id:
            # A full disk must not prevent reading.
            with suppress(OSError):
                os.pwrite(self._descriptor, repo_id.bytes, _offset(name))

    def forget(self, name: RepoName) -> None:
        """Forget a repository that is private or deleted."""
        if self.find(name) is not None:
            os.pwrite(self._descriptor, bytes(_ID_BYTES), _offset(name))

    def find(self, name: RepoName) -> uuid.UUID | None:
        """Return the remembered id; rarely it is that of another name."""
        found = os.pread(self._descriptor, _ID_BYTES, _offset(name))
        return uuid.UUID(bytes=found) if len(found) == _ID_BYTES and any(found) else None


@contextmanager
def open_known_public(path: Path) -> Iterator[KnownPublic]:
    """Open the file; create it if it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield KnownPublic(descriptor)
    finally:
        os.close(descriptor)


def _offset(name: RepoName) -> int:
    owner, repo = name.key
    digest = blake2b(f"{owner}/{repo}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % _SLOTS * _ID_BYTES
