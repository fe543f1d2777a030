"""Runs tasks in a bounded number of threads, which hand their results to one loop."""

from __future__ import annotations

import contextlib
import os
import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

K = TypeVar("K")
R = TypeVar("R")


class Pool(Generic[K, R]):
    """Runs tasks, each under a key. A descriptor becomes readable when a result is there."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._done: queue.SimpleQueue[tuple[K, Future[R]]] = queue.SimpleQueue()
        self._receiver, self._sender = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.running: set[K] = set()

    @property
    def room(self) -> int:
        """How many more tasks can begin now."""
        return self._threads - len(self.running)

    def fileno(self) -> int:
        """Return the descriptor that is readable when a task has ended, for the loop to wait on."""
        return self._receiver

    def begin(self, key: K, task: Callable[[], R]) -> None:
        """Start a task; there must be :attr:`room`."""
        self.running.add(key)
        self._executor.submit(task).add_done_callback(lambda future: self._hand_back(key, future))

    def wake(self) -> None:
        """Wake the loop; any thread and any signal handler may call this."""
        # If the pipe is full, the loop is awake already; if it is closed, the loop has ended.
        with contextlib.suppress(OSError):
            os.write(self._sender, b"\0")

    def take_done(self) -> list[tuple[K, Future[R]]]:
        """Return the tasks that have ended since the last call."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._receiver, 4096)
        done = []
        while not self._done.empty():
            key, future = self._done.get()
            self.running.discard(key)
            done.append((key, future))
        return done

    def close(self) -> None:
        """Wait for the running tasks, and close the descriptors."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        sender, self._sender = self._sender, -1
        os.close(sender)
        os.close(self._receiver)

    def _hand_back(self, key: K, future: Future[R]) -> None:
        self._done.put((key, future))
        self.wake()
