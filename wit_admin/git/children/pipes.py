"""Pipes for children, in addition to their standard streams."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

_LOWEST = 10
"""A lower descriptor could be one of those that the child gets by number."""


class PipeEnd:
    """One end of a pipe, which can be closed twice."""

    def __init__(self, number: int) -> None:
        self.number = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
        os.close(number)

    def close(self) -> None:
        """Close it, unless that was done before."""
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
