"""Supervises the worker processes: forks, restarts and drains them.

The workers are forked without an exec: they inherit the listening socket, share the memory of the
imported code, and a worker that died is replaced within milliseconds. This is safe because the
parent has no threads, no event loop and no open connections when it forks.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wit_admin.log import fields

log = logging.getLogger(__name__)

_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
_WATCHED = _STOP | {signal.SIGHUP, signal.SIGCHLD}
_BUG = 70
_SETTLED_AFTER_S = 10.0
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
_MAX_DOUBLINGS = 6
"""After so many doublings the delay has reached the longest one."""
_AT_ONCE_S = 5.0


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """A worker's number, and how it learns that its parent has ended."""

    slot: int
    lifeline: int | None = None
    """The reading end of a pipe that is closed when the parent ends."""


Work = Callable[[WorkerContext], None]
"""The function that a worker runs; it returns when a signal tells it to stop."""


@dataclass(slots=True)
class _Worker:
    slot: int
    work: Work
    pid: int | None = None
    started: float = 0.0
    quick_deaths: int = 0
    due: float = 0.0


class Supervisor:
    """Keeps one process per function in ``works`` until SIGTERM or SIGINT; forwards SIGHUP.

    With ``ends_on_hangup`` SIGHUP means that the terminal was closed, and ends them as well.
    """

    def __init__(
        self,
        works: Sequence[Work],
        *,
        patience_s: float,
        ends_on_hangup: bool = False,
    ) -> None:
        self._workers = [_Worker(slot, work) for slot, work in enumerate(works)]
        self._patience_s = patience_s
        self._stop = _STOP | ({signal.SIGHUP} if ends_on_hangup else set())
        self._old_mask: set[signal.Signals] = set()

    def run(self, *, on_started: Callable[[], None], on_stop: Callable[[], None]) -> None:
        """Start the workers and watch them; return when the last one has ended.

        ``on_stop`` is called at once when a signal asks to stop. It must close the listener: as
        long as any process has it open, the kernel accepts connections.
        """
        self._old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)  # type: ignore[assignment]  # typeshed: ints
        self._lifeline, self._life = os.pipe2(os.O_CLOEXEC)
        try:
            self._start_due()
            on_started()
            self._watch()
            on_stop()
            self._drain()
        finally:
            self._send(signal.SIGKILL)
            for worker in self._workers:
                self._reap(worker, block=True)
            os.close(self._life)
            os.close(self._lifeline)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._old_mask)

    def _watch(self) -> None:
        while True:
            waiting = [worker.due for worker in self._workers if worker.pid is None]
            number = _next_signal(min(waiting) - time.monotonic() if waiting else None)
            if number in self._stop:
                return
            if number == signal.SIGHUP:
                self._send(signal.SIGHUP)
            self._reap_all()
            self._start_due()

    def _drain(self) -> None:
        """Give the workers time to end by themselves; a second signal ends them at once."""
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + self._patience_s
        while self._reap_all():
            left = deadline - time.monotonic()
            if left <= 0:
                log.warning(
                    "Some workers did not end in time and are killed.",
                    extra=fields(timeout_s=self._patience_s),
                )
                return
            if _next_signal(left) in self._stop:
                self._send(signal.SIGQUIT)
                deadline = min(deadline, time.monotonic() + _AT_ONCE_S)

    def _start_due(self) -> None:
        for worker in self._workers:
            if worker.pid is None and worker.due <= time.monotonic():
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        worker.started = time.monotonic()
        try:
            worker.pid = os.fork()
        except OSError as error:
            # The other workers continue; the machine may have memory for this one later.
            log.warning("A worker could not be started.", extra=fields(reason=error.strerror))
            worker.quick_deaths += 1
            worker.due = worker.started + restart_delay_s(worker.quick_deaths)
            return
        if worker.pid == 0:
            self._become_worker(worker)

    def _become_worker(self, worker: _Worker) -> None:
        """Run the worker's function and exit, without returning into the parent's code."""
        code = _BUG
        try:
            os.close(self._life)
            # Ctrl-C on a terminal is for the parent, which passes it on in order.
            os.setpgid(0, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._old_mask)
            worker.work(WorkerContext(worker.slot, self._lifeline))
            code = 0
        except BaseException:
            log.exception("A worker failed.")
        finally:
            logging.shutdown()
            os._exit(code)

    def _reap_all(self) -> bool:
        """Reap the workers that ended; return whether any is left."""
        for worker in self._workers:
            self._reap(worker, block=False)
        return any(worker.pid is not None for worker in self._workers)

    def _reap(self, worker: _Worker, *, block: bool) -> None:
        if worker.pid is None:
            return
        pid, status = os.waitpid(worker.pid, 0 if block else os.WNOHANG)
        if pid == 0:
            return
        worker.pid = None
        lived_s = time.monotonic() - worker.started
        worker.quick_deaths = 0 if lived_s > _SETTLED_AFTER_S else worker.quick_deaths + 1
        worker.due = time.monotonic() + restart_delay_s(worker.quick_deaths)
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            log.warning(
                "A worker ended with a failure.",
                extra=fields(pid=pid, exit_code=code, lived_s=round(lived_s, 1)),
            )

    def _send(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, number)


def restart_delay_s(quick_deaths: int) -> float:
    """Return the delay before a restart, after so many quick deaths in a row."""
    # The exponent is limited, as after hours of deaths the power would not fit into a float.
    doublings = min(quick_deaths, _MAX_DOUBLINGS)
    return min(_FIRST_DELAY_S * 2.0**doublings, _LONGEST_DELAY_S)


def _next_signal(patience_s: float | None) -> int | None:
    """Wait for one of the watched signals, which are all blocked; return ``None`` if none came."""
    if patience_s is None:
        return signal.sigwait(_WATCHED)
    found = signal.sigtimedwait(_WATCHED, max(0.0, patience_s))
    return None if found is None else found.si_signo
