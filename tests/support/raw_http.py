"""HTTP by hand over a socket, for what no well-behaved client sends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class RawClient:
    """One connection to a server."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def read_to_end(self) -> bytes:
        """Read until the server closes the connection."""
        parts = []
        try:
            while part := self._connection.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)

    def read_some(self) -> bytes:
        """Read what comes next."""
        return self._connection.recv(65536)


@contextmanager
def connected(url: str, *, timeout_s: float = 20.0) -> Iterator[RawClient]:
    """Connect to the server at ``url``; no answer within the time is an error."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout_s) as connection:
        yield RawClient(connection)
