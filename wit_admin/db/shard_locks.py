"""Divides shards of work among processes on all hosts, by PostgreSQL's advisory locks.

Each process holds its locks on one connection, and the server releases them when that ends, for
whatever reason. The server also ends the connection of a process that is silent for
:data:`LEASE_S`: it was stopped, or waits for a disk that hangs. Beside its shards each process
holds a shared lock, by which all can count the processes and compute a fair share. This does not
work through a proxy that shares connections between transactions.

A process that was stopped may have locked rows, too, on other connections. Whoever takes over from
it ends those sessions: the server's own ``idle_in_transaction_session_timeout`` does not run
between the statements of a pipeline, nor after the flush message that the driver sends at its end.
Source: PostgreSQL's postgres.c, ``PostgresMain``; psycopg's _pipeline.py, ``_exit_gen``.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Collection

from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.orm import Session

from wit_admin.errors import UnavailableError

LEASE_S = 15.0
"""How long the server keeps a silent connection; the same as in ``_SET_UP``."""
SILENT_S = 20.0
"""How long a session may keep a transaction open without a word from its process."""
_WARY_S = 60.0
"""How long after shards were taken over their former holder's sessions are looked for."""
_UNSIGNED = 2**32
_MEMBER = -1
"""The number of the lock that every process holds shared."""
_IN_SPACE = """
      FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 2
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = CAST(:space AS oid)
"""
_COUNT_MEMBERS = text(f"SELECT count(*) {_IN_SPACE} AND objid = CAST(:member AS oid)")
_LIST_LOCKS = text(f"SELECT CAST(objid AS bigint), pid = pg_backend_pid() {_IN_SPACE}")
_JOIN = text("SELECT pg_advisory_lock_shared(:space, :number)")
_TAKE = text("SELECT pg_try_advisory_lock(:space, :number)")
_GIVE_BACK = text("SELECT pg_advisory_unlock(:space, :number)")
_LEAVE = text("SELECT pg_advisory_unlock_all()")
_END_SILENT = text("""
    SELECT pg_terminate_backend(pid)
      FROM pg_stat_activity
     WHERE datname = current_database() AND usename = current_user
       AND application_name = :application_name AND xact_start IS NOT NULL
       AND wait_event = 'ClientRead' AND state_change < now() - make_interval(secs => :silent_s)
""")
_SET_UP = (
    # A host that loses power closes no connection; the server must notice within seconds.
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 3",
    "SET tcp_keepalives_count = 3",
    "SET tcp_user_timeout = 15000",
    "SET statement_timeout = 5000",
    # Version 13 does not have this setting, and a plain SET would fail.
    "SELECT set_config(name, '15s', false) FROM pg_settings WHERE name = 'idle_session_timeout'",
)


class ShardLocks:
    """The shards of this process, of the ``count`` shards of the work called ``name``.

    The processes do that work in sessions with the ``application_name``.
    """

    lease_s = LEASE_S

    def __init__(self, engine: Engine, name: str, count: int, *, application_name: str) -> None:
        self._engine = engine
        self._application_name = application_name
        self._wary_until = -math.inf
        self._space = space_of(name)
        self._count = count
        self._connection: Connection | None = None
        self._leaving: set[int] = set()
        self._opened = 0

    @property
    def term(self) -> int:
        """The number of connections opened so far; each new one means that the locks were lost."""
        return self._opened

    def settle(self, busy: Collection[int] = ()) -> frozenset[int]:
        """Take free shards, or give some back if we have more than a fair share; return ours.

        A shard to give back is missing in the result at once, but is unlocked only in a later
        call, when it is no longer among the ``busy`` shards.

        Raises:
            UnavailableError: The server is gone, and all locks are lost.
        """
        try:
            return self._settle(busy)
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        """Release all locks; other processes can take them when this returns."""
        if self._connection is not None:
            with contextlib.suppress(UnavailableError):
                self._connection.execute(_LEAVE)
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._leaving.clear()
        if connection is not None:
            # It is detached from the pool, so this ends the session and releases its locks.
            connection.close()

    def _settle(self, busy: Collection[int]) -> frozenset[int]:
        if self._connection is None:
            self._connection = self._open()
        for shard in self._leaving - set(busy):
            self._run(_GIVE_BACK, shard)
            self._leaving.discard(shard)
        members, ours, free = self._look()
        kept = ours - self._leaving
        share = -(-self._count // max(members, 1))
        surplus = sorted(kept)[share:]
        self._leaving.update(surplus)
        for shard in free:
            if len(kept) >= share:
                break
            if self._run(_TAKE, shard):
                kept.add(shard)
                self._wary_until = time.monotonic() + _WARY_S
        if time.monotonic() < self._wary_until:
            self._end_silent()
        return frozenset(kept.difference(surplus))

    def _end_silent(self) -> None:
        assert self._connection is not None  # noqa: S101  opened by the caller
        given = {"application_name": self._application_name, "silent_s": SILENT_S}
        self._connection.execute(_END_SILENT, given)

    def _open(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # Detached from the pool: no other code may get a connection that holds locks.
        connection.detach()
        for statement in _SET_UP:
            connection.exec_driver_sql(statement)
        self._connection = connection
        self._opened += 1
        self._run(_JOIN, _MEMBER)
        return connection

    def _look(self) -> tuple[int, set[int], list[int]]:
        """Return the number of processes, the shards of this one, and the free shards."""
        assert self._connection is not None  # noqa: S101  opened by the caller
        numbers = {"space": self._space % _UNSIGNED}
        members, ours, taken = 0, set(), set()
        for number, is_ours in self._connection.execute(_LIST_LOCKS, numbers):
            if number == _MEMBER % _UNSIGNED:
                members += 1
            else:
                taken.add(number)
                if is_ours:
                    ours.add(number)
        return members, ours, [shard for shard in range(self._count) if shard not in taken]

    def _run(self, statement: TextClause, number: int) -> bool:
        assert self._connection is not None  # noqa: S101  opened by the caller
        numbers = {"space": self._space, "number": number}
        return self._connection.execute(statement, numbers).scalar() is True


def count_members(session: Session, name: str) -> int:
    """Return how many processes take part in the work called ``name``."""
    numbers = {"space": space_of(name) % _UNSIGNED, "member": _MEMBER % _UNSIGNED}
    return int(session.execute(_COUNT_MEMBERS, numbers).scalar_one())


def space_of(name: str) -> int:
    """Return the first of the two numbers that name a lock of such work."""
    return int.from_bytes(hashlib.blake2s(name.encode(), digest_size=4).digest(), signed=True)
