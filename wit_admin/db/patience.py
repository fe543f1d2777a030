"""Timeouts on PostgreSQL connections, for a server that never answers.

A server that is frozen, or behind a network that loses packets, neither answers nor hangs up. Its
own ``statement_timeout`` is useless then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.waiting import Ready, Wait
from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_TO_PING_S = 2.0
"""The timeout of the ping that a connection gets each time it is taken from the pool."""

_Waiting = Generator[Wait, Ready | int, Any]


class PatientConnection(psycopg.Connection[Any]):
    """A connection that closes itself when an answer takes longer than ``patience_s``."""

    patience_s = math.inf

    def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
        """Run the driver's generator, as long as the server answers in time."""
        return super().wait(self._bounded(gen), *arguments, **named)

    def _bounded(self, waiting: _Waiting) -> _Waiting:
        deadline = time.monotonic() + self.patience_s
        try:
            wanted = next(waiting)
            while True:
                # The driver wakes several times a second, and sends 0 if nothing came.
                ready = yield wanted
                if ready is Ready.NONE and time.monotonic() > deadline:
                    self.close()
                    raise psycopg.OperationalError(f"it did not answer for {self.patience_s:g} s")
                wanted = waiting.send(ready)
        except StopIteration as end:
            return end.value


def bound_waiting(engine: Engine, patience_s: float) -> None:
    """Make all connections of the engine give up after ``patience_s`` without an answer."""

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: Dialect, _record: ConnectionPoolEntry, arguments: Any, named: Any
    ) -> DBAPIConnection:
        # The driver's own connect_timeout limits this.
        return PatientConnection.connect(*arguments, **named)  # type: ignore[return-value]

    @event.listens_for(engine, "checkin")
    def _expect_a_ping(connection: PatientConnection | None, _record: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.patience_s = _TO_PING_S

    @event.listens_for(engine, "checkout")
    def _expect_statements(
        connection: PatientConnection, _record: ConnectionPoolEntry, _proxy: object
    ) -> None:
        connection.patience_s = patience_s
