"""HTTP by hand over a socket, for what no well-behaved client sends."""

from __future__ import annotations

import hashlib
import random
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.support.raw_answers import Answer, read_answer
from wit_admin.git.pushes.in_process_push import MAX_PUSH_BYTES


def _large_pack() -> bytes:
    """Return a pack of one object, too large for a push to be taken without a git process."""
    content = random.Random(1).randbytes(2 * MAX_PUSH_BYTES)
    low, size = len(content) & 15, len(content) >> 4
    head = bytearray([0x80 | 3 << 4 | low])
    while size > 127:
        head.append(0x80 | size & 127)
        size >>= 7
    head.append(size)
    pack = b"PACK" + (2).to_bytes(4) + (1).to_bytes(4) + head + zlib.compress(content)
    return pack + hashlib.sha1(pack, usedforsecurity=False).digest()


_PACK = _large_pack()
END_OF_PUSH = _PACK[-20:]
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
        """Read what comes next; the end of the connection is an error."""
        data = self._connection.recv(65536)
        assert data, "The server closed the connection."
        return data

    def read_answer(self) -> Answer:
        """Read the answer to one request; the connection may stay open after it."""
        return read_answer(self._connection)


@contextmanager
def connected(url: str, *, timeout_s: float = 60.0) -> Iterator[RawClient]:
    """Connect to the server at ``url``; no answer within the time is an error."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout_s) as connection:
        yield RawClient(connection)


def begin_push(
    client: RawClient, *, ref: str = "refs/heads/main", new: str = "1" * 40, headers: bytes = b""
) -> None:
    """Send all of a push to alice/demo but its last bytes: a git child runs and waits for more."""
    line = f"{'0' * 40} {new} {ref}\0report-status".encode()
    head = b"%04x%b0000" % (len(line) + 4, line)
    client.send(
        b"POST /alice/demo/git-receive-pack HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/x-git-receive-pack-request\r\n%b"
        b"Content-Length: %d\r\n\r\n%b" % (headers, len(head) + len(_PACK), head)
    )
    client.send(_PACK[:-20])
