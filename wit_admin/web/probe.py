"""Checks the database for ``/health`` and ``/readyz`` without waiting for it for long."""

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
    """A sign of life."""

    latency_ms: float
    is_current: bool
    """Whether the schema is not older than this program; it may be rolled back at any time."""


class DatabaseProbe:
    """One question at a time, on a thread of its own: many who ask share the answer.

    The thread pool is for requests, and all of it may be stuck in the very database that is
    asked about.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._outdated = {None, *known_revisions()[:-1]}
        self._asked: asyncio.Future[Sign | None] | None = None

    async def ask(self) -> Sign | None:
        """Return what the database says; ``None`` when it is gone or slow."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().create_future()
            # A daemon: a database that never answers must not keep the process from ending.
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
