"""Pipes for children, in addition to their standard streams."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

_LOWEST = 10
"""Below it a descriptor could be one that the child has other plans for."""


class PipeEnd:
    """One end of a pipe, which can be closed twice."""

    def __init__(self, number: int) -> None:
        self.number = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
        os.close(number)

    def close(self) -> None:
        """Let go of it."""
        if self.number >= 0:
            os.close(self.number)
            self.number = -1


@contextmanager
def open_pipe() -> Iterator[tuple[PipeEnd, PipeEnd]]:
    """Open a pipe, and close afterwards what is still open of it: first its end to read from."""
    numbers = os.pipe2(os.O_CLOEXEC)
    reading, writing = (PipeEnd(number) for number in numbers)
    try:
        yield reading, writing
    finally:
        reading.close()
        writing.close()
