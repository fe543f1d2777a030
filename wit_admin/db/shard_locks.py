"""Shards of some work that processes on all hosts hold between them: PostgreSQL's advisory locks.

Each process has one connection for its locks, and the server lets go of them when it ends,
however that happens. Beside its shards each holds a shared lock that says that it is there.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlalchemy.orm import Session

_MEMBER = -1
"""In place of a shard's number: held, shared, by all."""
_COUNT_MEMBERS = text("""
    SELECT count(*) FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 2
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = CAST(:space AS oid) AND objid = CAST(:member AS oid)
""")
_UNSIGNED = 2**32


def count_members(session: Session, name: str) -> int:
    """Return how many processes take part in the work of that name."""
    numbers = {"space": space_of(name) % _UNSIGNED, "member": _MEMBER % _UNSIGNED}
    return int(session.execute(_COUNT_MEMBERS, numbers).scalar_one())


def space_of(name: str) -> int:
    """Return the first of the two numbers that name a lock of such work."""
    return int.from_bytes(hashlib.blake2s(name.encode(), digest_size=4).digest(), signed=True)
