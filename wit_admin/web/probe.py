"""Checks the database for ``/health`` and ``/readyz``, without a long wait."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from sqlalchemy import Engine

from wit_admin.db.engine import ping
from wit_admin.db.revisions import known_revisions, read_revision
from wit_admin.errors import WitError

_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Sign:
    """The database's answer to a check."""

    latency_ms: float
    is_current: bool
    """Whether the schema is new enough; somebody may roll it back at any time."""


class DatabaseProbe:
    """Runs one check at a time, on its own thread; requests at the same time share the result.

    It does not use the thread pool of the requests, which may all hang in this very database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._outdated = {None, *known_revisions()[:-1]}
        self._asked: asyncio.Future[Sign | None] | None = None

    async def ask(self) -> Sign | None:
        """Return the database's answer; ``None`` if it is gone or slow."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().create_future()
            # A daemon thread: a database that never answers must not keep the process alive.
            threading.Thread(target=self._ask, args=(self._asked,), daemon=True).start()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await asyncio.shield(self._asked)
        except TimeoutError:
            return None

    def _ask(self, answer: asyncio.Future[Sign | None]) -> None:
        try:
            latency_ms = round(ping(self._engine) * 1000, 3)
            with self._engine.connect() as connection:
                is_current = read_revision(connection) not in self._outdated
            answered = Sign(latency_ms, is_current)
        except WitError:
            answered = None
        loop = answer.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(answer.set_result, answered)
