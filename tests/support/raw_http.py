"""HTTP by hand over a socket, for what no well-behaved client sends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

EMPTY_PACK = bytes.fromhex("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e")
"""What ends a push that :func:`begin_push` began."""


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


def begin_push(
    client: RawClient, *, ref: str = "refs/heads/main", new: str = "1" * 40, headers: bytes = b""
) -> None:
    """Send all of a push to alice/demo but its pack: a git child runs and waits for more."""
    line = f"{'0' * 40} {new} {ref}\0report-status".encode()
    head = b"%04x%b0000" % (len(line) + 4, line)
    client.send(
        b"POST /alice/demo/git-receive-pack HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/x-git-receive-pack-request\r\n%b"
        b"Content-Length: %d\r\n\r\n%b" % (headers, len(head) + len(EMPTY_PACK), head)
    )
