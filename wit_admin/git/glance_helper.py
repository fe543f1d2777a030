"""A process that looks into repositories for another one, until the pipe it is asked by ends.

It imports little, so that it starts quickly. What is said is marshalled, which is the quickest way;
both ends are the same program.
"""

from __future__ import annotations

import gc
import marshal
import sys
from contextlib import suppress
from typing import IO, Any

from wit_admin.git.glance import Glance, glance

Look = Glance | OSError
"""What is in a folder, or why it cannot be read."""
_LENGTH_BYTES = 8


def look(path: str) -> Look:
    """Look into the folder of a repository."""
    try:
        return glance(path)
    except OSError as error:
        return error


def serve() -> None:
    """Answer what is asked on standard input."""
    gc.disable()  # no look makes a cycle
    with suppress(EOFError, BrokenPipeError):
        while True:
            paths = _receive(sys.stdin.buffer)
            _send(sys.stdout.buffer, [_plain(look(path)) for path in paths])


def ask(to: IO[bytes], paths: list[str]) -> None:
    """Send what is to be looked into.

    Raises:
        OSError: Who should answer is gone.
    """
    _send(to, paths)


def hear(by: IO[bytes]) -> list[Look]:
    """Wait for the answer.

    Raises:
        EOFError: Who should answer is gone.
        OSError: So it is.
    """
    return [Glance(*one) if isinstance(one, tuple) else OSError(*one) for one in _receive(by)]


def _plain(seen: Look) -> tuple[Any, ...] | list[Any]:
    """Return what marshal takes, which knows no classes."""
    if isinstance(seen, OSError):
        return [seen.errno, seen.strerror, seen.filename]
    return tuple(seen)


def _send(to: IO[bytes], said: list[Any]) -> None:
    data = marshal.dumps(said)
    to.write(len(data).to_bytes(_LENGTH_BYTES, "little") + data)
    to.flush()


def _receive(by: IO[bytes]) -> list[Any]:
    head = by.read(_LENGTH_BYTES)
    length = int.from_bytes(head, "little")
    data = by.read(length)
    if len(head) < _LENGTH_BYTES or len(data) < length:
        raise EOFError
    said: list[Any] = marshal.loads(data)  # noqa: S302  from this program itself
    return said
