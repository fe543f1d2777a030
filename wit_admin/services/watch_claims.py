"""Who watches what, so that each repository is watched by one process at a time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.shard_locks import count_members
from wit_admin.git.file_locks import is_locked

WORK = "wit.watch"
"""Names the locks."""


def count_watchers(sessions: sessionmaker[Session], run_dir: Path) -> int:
    """Return how many processes watch; with SQLite, which has one host, at most one does."""
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)  # noqa: S101  make_sessions binds one
    if engine.dialect.name == "postgresql":
        with sessions() as session:
            return count_members(session, WORK)
    try:
        return int(is_locked(lock_path(run_dir)))
    except FileNotFoundError:
        return 0


def lock_path(run_dir: Path) -> Path:
    """Return the file that the one watcher of a home folder has locked."""
    return run_dir / "watch.lock"
