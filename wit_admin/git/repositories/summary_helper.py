"""A helper process that summarizes repositories for its parent, until the parent's pipe ends.

It imports little, so that it starts fast. Both ends are the same program, so they can use the
fastest format, ``marshal``.
"""

from __future__ import annotations

import gc
import marshal
import sys
from contextlib import suppress
from typing import IO, Any

from wit_admin.git.repositories.summary import Summary, summarize

Look = Summary | OSError
"""The summary of a repository, or the reason why it cannot be read."""
_LENGTH_BYTES = 8


def look(path: str) -> Look:
    """Summarize the repository in a folder."""
    try:
        return summarize(path)
    except OSError as error:
        return error


def serve() -> None:
    """Answer the requests on standard input until it ends."""
    gc.disable()  # summaries make no reference cycles
    with suppress(EOFError, BrokenPipeError):
        while True:
            paths = _receive(sys.stdin.buffer)
            _send(sys.stdout.buffer, [_plain(look(path)) for path in paths])


def ask(to: IO[bytes], paths: list[str]) -> None:
    """Ask the helper for the summaries of ``paths``.

    Raises:
        OSError: The helper is gone.
    """
    _send(to, paths)


def hear(by: IO[bytes]) -> list[Look]:
    """Wait for the helper's answer.

    Raises:
        EOFError: The helper ended.
        OSError: The pipe broke.
    """
    return [Summary(*one) if isinstance(one, tuple) else OSError(*one) for one in _receive(by)]


def _plain(seen: Look) -> tuple[Any, ...] | list[Any]:
    """Return the same as built-in types, since ``marshal`` cannot write classes."""
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
