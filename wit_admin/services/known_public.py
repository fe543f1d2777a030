"""A file, shared by all processes of one home, of repositories that were public when last served.

A process remembers by itself what it has served; a worker beside it, or one that took its place,
may have served other repositories before the database went away.
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
"""Of two names that share one the later is known."""


class KnownPublic:
    """Ids of repositories by name, in a file of fixed size. Written without a lock.

    Whoever reads half of one id and half of another has an id that no repository has.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def note(self, name: RepoName, repo_id: uuid.UUID) -> None:
        """Take note of a repository that anybody may read."""
        if self.find(name) != repo_id:
            # A disk that is full must not keep anybody from reading.
            with suppress(OSError):
                os.pwrite(self._descriptor, repo_id.bytes, _offset(name))

    def forget(self, name: RepoName) -> None:
        """Drop what is private, or not there any more."""
        if self.find(name) is not None:
            os.pwrite(self._descriptor, bytes(_ID_BYTES), _offset(name))

    def find(self, name: RepoName) -> uuid.UUID | None:
        """Return the id that was noted; now and then it is that of another name."""
        found = os.pread(self._descriptor, _ID_BYTES, _offset(name))
        return uuid.UUID(bytes=found) if len(found) == _ID_BYTES and any(found) else None


@contextmanager
def open_known_public(path: Path) -> Iterator[KnownPublic]:
    """Open the file, which is made if it is not there."""
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
