"""Divides repositories among watchers, so that one process at a time watches each of them."""

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
from wit_admin.git.files.locks import is_locked, lock_file

SHARDS = 64
"""The number of shards: more than any installation has hosts."""
ALL = frozenset(range(SHARDS))
APPLICATION_NAME = "wit-admin watch"
"""Of the PostgreSQL sessions in which repositories are synced."""
_WORK = "wit.watch"
_NONE: frozenset[int] = frozenset()


def shard_of(repo_id: uuid.UUID) -> int:
    """Return the shard of a repository; the low bits of an id are random."""
    return repo_id.int % SHARDS


class Claims(Protocol):
    """The shards that this process may watch."""

    lease_s: float
    """How long after the last :meth:`settle` the shards are still ours alone."""

    @property
    def term(self) -> int:
        """Changes whenever other processes may have held our shards in between."""

    def settle(self, busy: Collection[int] = ()) -> frozenset[int]:
        """Return the shards that are ours until the next call.

        A shard that is given up stays locked while it is among the ``busy`` ones.

        Raises:
            UnavailableError: The database is gone, so no shard is ours.
        """

    def close(self) -> None:
        """Release all shards."""


class FileClaim:
    """For SQLite, which has one host: all shards or none, by a lock file in the home folder.

    A process that has the lock keeps it until it ends.
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
        """Release the lock."""
        self._held.close()
        self._is_held = False


def open_claims(sessions: sessionmaker[Session], run_dir: Path) -> Claims:
    """Return the claims for this kind of database."""
    engine = engine_of(sessions)
    if engine.dialect.name == "postgresql":
        return ShardLocks(engine, _WORK, SHARDS, application_name=APPLICATION_NAME)
    return FileClaim(run_dir)


def count_watchers(sessions: sessionmaker[Session], run_dir: Path) -> int:
    """Return how many processes watch; with SQLite it is at most one."""
    if engine_of(sessions).dialect.name == "postgresql":
        with sessions() as session:
            return count_members(session, _WORK)
    try:
        return int(is_locked(lock_path(run_dir)))
    except FileNotFoundError:
        return 0


def lock_path(run_dir: Path) -> Path:
    """Return the file that the only watcher of a home folder locks."""
    return run_dir / "watch.lock"


def engine_of(sessions: sessionmaker[Session]) -> Engine:
    """Return the engine of a session factory."""
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)  # noqa: S101  make_sessions binds one
    return engine
