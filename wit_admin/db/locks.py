"""PostgreSQL's advisory locks by name: one process on all hosts holds each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text


@contextmanager
def advisory_lock(engine: Engine, name: str, *, wait: bool) -> Iterator[bool]:
    """Take the lock ``name`` on a separate connection; yield whether that succeeded.

    No transaction is open meanwhile. The server releases the lock when the connection ends, for
    whatever reason. It does not work through a proxy that shares connections between transactions.
    """
    key = int.from_bytes(hashlib.blake2s(name.encode(), digest_size=8).digest(), signed=True)
    take = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Detached from the pool: closing it cannot fail, but a statement to unlock could.
        connection.detach()
        answer = connection.execute(text(f"SELECT {take}(:key)"), {"key": key}).scalar()
        yield answer is not False
