"""The open connections of a process, of either protocol: their limit, and how they are closed."""

from __future__ import annotations

import asyncio
import itertools
from typing import Protocol

_LOOKED_AT = 1000


class Connection(Protocol):
    """One connection, as both protocols implement it."""

    @property
    def is_idle(self) -> bool:
        """Whether it is between two requests, or before the first."""

    def shutdown(self) -> None:
        """Close it, as soon as its answers are complete."""

    def drop(self) -> None:
        """Close it at once; what the client has not read yet is lost."""

    def break_off(self) -> None:
        """Close it at once if it is amid an answer, which nothing else can be said in."""


class Connections(dict[Connection, None]):
    """The open connections, the oldest first; uvicorn takes it for a set."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def add(self, connection: Connection) -> None:
        """Add one at the end."""
        self[connection] = None

    def discard(self, connection: Connection) -> None:
        """Remove one, if it is there."""
        self.pop(connection, None)

    def make_room_for(self, connection: Connection) -> bool:
        """If there are too many, close the oldest idle one; return false if none is idle."""
        if len(self) <= self._most:
            return True
        for other in itertools.islice(self, _LOOKED_AT):
            if other is not connection and other.is_idle:
                # A graceful close might wait for a client that reads nothing.
                other.drop()
                return True
        return False


def close_in_time(transport: asyncio.Transport, patience_s: float) -> None:
    """Close when all is sent, or when the client has read nothing for ``patience_s`` seconds."""
    transport.close()
    left = transport.get_write_buffer_size()
    if left:
        asyncio.get_running_loop().call_later(patience_s, _abort_stuck, transport, patience_s, left)


def _abort_stuck(transport: asyncio.Transport, patience_s: float, before: int) -> None:
    if transport.get_write_buffer_size() < before:
        close_in_time(transport, patience_s)
    else:
        transport.abort()
