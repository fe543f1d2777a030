"""Who watches what, so that each repository is watched by one process at a time."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.shard_locks import ShardLocks, count_members
from wit_admin.git.file_locks import is_locked, lock_file

SHARDS = 64
"""More hosts than any installation has."""
ALL = frozenset(range(SHARDS))
_WORK = "wit.watch"
_NONE: frozenset[int] = frozenset()


def shard_of(repo_id: uuid.UUID) -> int:
    """Return the shard of a repository; the low bits of an id are random."""
    return repo_id.int % SHARDS


class Claims(Protocol):
    """The shards that this process may watch."""

    lease_s: float
    """So long after it settled last others may have what is ours."""

    @property
    def term(self) -> int:
        """Another number when all that was ours before may have been others' meanwhile."""

    def settle(self, busy: Collection[int] = ()) -> frozenset[int]:
        """Return the shards that are ours from now on, until the next call.

        One that is left out and among the ``busy`` ones nobody else gets before it is not.

        Raises:
            UnavailableError: It cannot be known; nothing is ours.
        """

    def close(self) -> None:
        """Leave all to others."""


class FileClaim:
    """With SQLite, which has one host: all or nothing, by a lock in the home folder.

    Only the end of the process lets go of it.
    """

    lease_s = math.inf
    term = 0

    def __init__(self, run_dir: Path) -> None:
        self._path = lock_path(run_dir)
        self._held = ExitStack()
        self._is_held = False

    def settle(self, busy: Collection[int] = ()) -> frozenset[int]:
        """Take the lock if it is free."""
        if not self._is_held:
            holder = lock_file(self._path, wait=False)
            self._is_held = self._held.enter_context(holder)
            if not self._is_held:
                self._held.close()
        return ALL if self._is_held else _NONE

    def close(self) -> None:
        """Let go of the lock."""
        self._held.close()
        self._is_held = False


def open_claims(sessions: sessionmaker[Session], run_dir: Path) -> Claims:
    """Return what says which repositories this process may watch."""
    engine = engine_of(sessions)
    if engine.dialect.name == "postgresql":
        return ShardLocks(engine, _WORK, SHARDS)
    return FileClaim(run_dir)


def count_watchers(sessions: sessionmaker[Session], run_dir: Path) -> int:
    """Return how many processes watch; with SQLite at most one does."""
    if engine_of(sessions).dialect.name == "postgresql":
        with sessions() as session:
            return count_members(session, _WORK)
    try:
        return int(is_locked(lock_path(run_dir)))
    except FileNotFoundError:
        return 0


def lock_path(run_dir: Path) -> Path:
    """Return the file that the one watcher of a home folder has locked."""
    return run_dir / "watch.lock"


def engine_of(sessions: sessionmaker[Session]) -> Engine:
    """Return the engine behind sessions."""
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)  # noqa: S101  make_sessions binds one
    return engine
