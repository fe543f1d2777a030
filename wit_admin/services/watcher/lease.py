"""How long this process may sync what it was given to watch, and refuses what comes too late.

A process can be stopped for minutes at any point: by a signal, a debugger, a disk that hangs, a
virtual machine that is moved. Others take over its repositories meanwhile, and what it had begun
must not be committed when it goes on.
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
from wit_admin.services.watch_claims import engine_of

R = TypeVar("R")

_BEGIN_S = 5.0
"""So long after the database last said what is ours nothing is begun any more."""
_MARGIN_S = 5.0
"""So long before others can have it nothing is committed any more."""

_check: contextvars.ContextVar[Callable[[], None] | None] = contextvars.ContextVar(
    "check", default=None
)


def now_s() -> float:
    """Return the time of a clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """Renewed by one thread, and checked by those that sync."""

    def __init__(self, duration_s: float) -> None:
        """``duration_s`` after it was renewed last, others may have what was ours."""
        self._commit_s = duration_s - _MARGIN_S
        self._renewed: tuple[int, float] | None = None

    def renew(self, term: int, asked_at: float) -> None:
        """Take in what was answered to a question of that moment; see :attr:`Claims.term`."""
        self._renewed = term, asked_at

    def lose(self) -> None:
        """Take in that nothing is known."""
        self._renewed = None

    def may_begin(self) -> bool:
        """Whether something new may be begun."""
        return self._renewed is not None and now_s() < self._renewed[1] + _BEGIN_S

    def hold(self, task: Callable[[], R]) -> Callable[[], R]:
        """Return the task so that :func:`guarded` sessions commit nothing of it after the lease."""
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
