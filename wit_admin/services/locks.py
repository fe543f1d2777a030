"""Locks that only one process of a forge can hold at a time.

With PostgreSQL they hold on all hosts; with SQLite, which has one host, they are files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.locks import advisory_lock
from wit_admin.errors import BusyError
from wit_admin.git.files.locks import lock_file


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock for one kind of work; ``run_dir`` is the folder of locks that are files."""

    sessions: sessionmaker[Session]
    run_dir: Path
    name: str

    @contextmanager
    def hold(self, *, wait: bool = True) -> Iterator[None]:
        """Take the lock, when its present holder has released it.

        Raises:
            BusyError: Another process has it, and ``wait`` is false.
        """
        engine = self.sessions.kw["bind"]
        assert isinstance(engine, Engine)  # noqa: S101  make_sessions binds one
        if engine.dialect.name == "postgresql":
            holder = advisory_lock(engine, f"wit.{self.name}", wait=wait)
        else:
            holder = lock_file(self.run_dir / f"{self.name}.lock", wait=wait)
        with holder as is_held:
            if not is_held:
                raise BusyError(
                    f"Another process is at the same work ({self.name}).",
                    hint="Try again when it has ended.",
                )
            yield
