"""Limits how long this process may sync its repositories, and refuses commits that come too late.

A process can be stopped for minutes at any point: by a signal, a debugger, a disk that hangs, a
virtual machine that is moved. Other processes take over its repositories meanwhile, so what it had
begun must not be committed when it continues.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.engine import make_sessions
from wit_admin.errors import UnavailableError
from wit_admin.services.watcher.claims import engine_of

R = TypeVar("R")

_BEGIN_S = 5.0
"""No sync begins later than this after the database last confirmed the shards."""
_MARGIN_S = 5.0
"""Nothing is committed in this last part of the lease, before others can take over."""

_check: contextvars.ContextVar[Callable[[], None] | None] = contextvars.ContextVar(
    "check", default=None
)


def now_s() -> float:
    """Return the time of a clock that also runs while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """One thread renews it; the threads that sync check it."""

    def __init__(self, duration_s: float) -> None:
        """``duration_s`` after the last renewal, other processes may take over our shards."""
        self._commit_s = duration_s - _MARGIN_S
        self._renewed: tuple[int, float] | None = None

    def renew(self, term: int, asked_at: float) -> None:
        """Renew the lease from ``asked_at``, the time of the question; see :attr:`Claims.term`."""
        self._renewed = term, asked_at

    def lose(self) -> None:
        """End the lease: the database did not answer."""
        self._renewed = None

    def may_begin(self) -> bool:
        """Whether a new sync may begin."""
        return self._renewed is not None and now_s() < self._renewed[1] + _BEGIN_S

    def hold(self, task: Callable[[], R]) -> Callable[[], R]:
        """Return the task, bound to this lease: :func:`guarded` sessions refuse later commits."""
        term = self._renewed[0] if self._renewed is not None else None

        def run() -> R:
            token = _check.set(lambda: self._check(term))
            try:
                return task()
            finally:
                _check.reset(token)

        return run

    def _check(self, term: int | None) -> None:
        renewed = self._renewed
        if renewed is None or renewed[0] != term or now_s() > renewed[1] + self._commit_s:
            raise UnavailableError(
                "This process did not reach it for so long that others may have taken over."
            )


def guarded(sessions: sessionmaker[Session]) -> sessionmaker[Session]:
    """Return sessions on an engine of the same pool that asks the lease before each commit."""
    engine = engine_of(sessions).execution_options()

    @event.listens_for(engine, "commit")
    def _check_lease(_connection: Connection) -> None:
        check = _check.get()
        if check is not None:
            check()

    return make_sessions(engine)
