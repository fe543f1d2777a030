"""Requests replayed on keep-alive connections, without a git client that shares the machine.

Source: gitprotocol-http(5) and gitprotocol-v2(5).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import httptools
import uvloop

from wit_admin.git.pktline import write_packet

CONNECTIONS = 16
_FLUSH, _DELIMITER = b"0000", b"0001"
_OK = 200
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to a repository."""

    path: str
    body: bytes | None = None
    version: int = 2

    def to_bytes(self, repository_path: str, address: tuple[str, int]) -> bytes:
        """Return it as it goes over the wire."""
        lines = [
            f"{'POST' if self.body else 'GET'} {repository_path}/{self.path} HTTP/1.1",
            f"Host: {address[0]}:{address[1]}",
            "User-Agent: git/2.39.5",
        ]
        if self.version:
            lines.append(f"Git-Protocol: version={self.version}")
        if self.body:
            lines.append("Content-Type: application/x-git-upload-pack-request")
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + (self.body or b"")


def advertisement(version: int) -> Request:
    """Return what every fetch begins with; version 0 lists all refs in it."""
    return Request("info/refs?service=git-upload-pack", version=version)


def ls_refs() -> Request:
    """Return what ``git ls-remote`` and ``git clone`` ask next."""
    prefixes = [f"ref-prefix {prefix}\n" for prefix in ("HEAD", "refs/heads/", "refs/tags/")]
    return _command("ls-refs", ["peel\n", "symrefs\n", *prefixes])


def clone(oid: str) -> Request:
    """Return what asks for the whole history of one commit."""
    return _command("fetch", ["no-progress\n", "ofs-delta\n", f"want {oid}\n", "done\n"])


def replay(address: tuple[str, int], request: bytes, seconds: float) -> int:
    """Send the request again and again; return how many were answered.

    Raises:
        ConnectionError: The server hung up, or answered with something else than 200.
    """
    return uvloop.run(_replay(address, request, seconds))


async def _replay(address: tuple[str, int], request: bytes, seconds: float) -> int:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    connections = [_Connection(request, deadline) for _ in range(CONNECTIONS)]
    for connection in connections:
        await loop.create_connection(connection.itself, *address)
    async with asyncio.timeout(seconds + _PATIENCE_S):
        await asyncio.gather(*(connection.ended for connection in connections))
    return sum(connection.answers for connection in connections)


class _Connection(asyncio.Protocol):
    """One client that sends its next request when the last was answered."""

    def __init__(self, request: bytes, deadline: float) -> None:
        self.answers = 0
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._request = request
        self._deadline = deadline
        self._parser = httptools.HttpResponseParser(self)

    def itself(self) -> _Connection:
        """Return it to an event loop that wants to make one."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but its ancestors.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("The server hung up."))

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != _OK:
            self.ended.set_exception(ConnectionError(f"The server answered {status}."))
            self._transport.close()
            return
        self.answers += 1
        if self._loop.time() < self._deadline:
            self._parser = httptools.HttpResponseParser(self)
            self._transport.write(self._request)
        else:
            self.ended.set_result(None)
            self._transport.close()


def _command(name: str, arguments: list[str]) -> Request:
    head = [f"command={name}\n", "agent=git/2.39.5\n", "object-format=sha1\n"]
    body = [_packets(head), _DELIMITER, _packets(arguments), _FLUSH]
    return Request("git-upload-pack", b"".join(body))


def _packets(lines: list[str]) -> bytes:
    return b"".join(write_packet(line.encode()) for line in lines)
