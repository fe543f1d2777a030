"""The open connections of a process, and which of them has to go when there are too many."""

from __future__ import annotations

import itertools
from typing import Protocol

_LOOKED_AT = 1000


class Connection(Protocol):
    """What is asked of each."""

    @property
    def is_idle(self) -> bool:
        """Between two requests, or before the first."""

    def shutdown(self) -> None:
        """Close it, as soon as its answers are complete."""


class Connections(dict[Connection, None]):
    """The open connections, the oldest first; uvicorn takes it for a set."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def add(self, connection: Connection) -> None:
        """Put one at the end."""
        self[connection] = None

    def discard(self, connection: Connection) -> None:
        """Take one out, if it is in."""
        self.pop(connection, None)

    def make_room_for(self, connection: Connection) -> bool:
        """If there are too many, close the oldest that nobody waits on; tell whether that did."""
        if len(self) <= self._most:
            return True
        for other in itertools.islice(self, _LOOKED_AT):
            if other is not connection and other.is_idle:
                other.shutdown()
                return True
        return False
