"""One HTTP request by hand, byte by byte as given, and the answer taken apart."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(
    method: bytes, path: bytes, *headers: bytes, body: bytes = b"", length: int | None = None
) -> bytes:
    """Render a request; the length is announced as given, or as it is."""
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close"]
    if body or length is not None:
        lines.append(b"Content-Length: %d" % (len(body) if length is None else length))
    return b"\r\n".join([*lines, *headers, b"", b""]) + body


def ask(url: str, *pieces: bytes, timeout_s: float = 60.0) -> Answer:
    """Send pieces and read one answer; what the server no longer takes is not sent."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout_s) as connection:
        _send(connection, pieces)
        received = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
    return parse_answer(bytes(received))


def parse_answer(data: bytes) -> Answer:
    """Take an answer apart; no answer at all is an error."""
    assert data, "The server closed the connection without a word."
    return read_answer(cast("socket.socket", _Replay(data)))


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer to its end, in however many pieces it comes."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, dict(response.getheaders()), response.read())


class _Replay:
    """All that ``http.client`` asks of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _send(connection: socket.socket, pieces: Iterable[bytes]) -> None:
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for piece in pieces:
            connection.sendall(piece)
