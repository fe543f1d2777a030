"""Requests replayed on keep-alive connections, without a git client that shares the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import cast

import httptools
import uvloop

_OK = 200
_PATIENCE_S = 120


def repeated(request: bytes, seconds: float) -> Iterator[bytes]:
    """Yield the request again and again, for so long from the first on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield request


def replay(address: tuple[str, int], connections: Sequence[Iterator[bytes]]) -> int:
    """Send each connection's requests one after the other; return how many were answered.

    Raises:
        ConnectionError: The server hung up, or answered with something else than 200.
    """
    return uvloop.run(_replay(address, connections))


async def _replay(address: tuple[str, int], connections: Sequence[Iterator[bytes]]) -> int:
    loop = asyncio.get_running_loop()
    clients = [_Connection(requests) for requests in connections]
    for client in clients:
        await loop.create_connection(client.itself, *address)
    async with asyncio.timeout(_PATIENCE_S):
        await asyncio.gather(*(client.ended for client in clients))
    return sum(client.answers for client in clients)


class _Connection(asyncio.Protocol):
    """One client that sends its next request when the last was answered."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.answers = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests

    def itself(self) -> _Connection:
        """Return it to an event loop that wants to make one."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but its ancestors.
        self._transport = cast("asyncio.Transport", transport)
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("The server hung up."))

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == _OK:
            self.answers += 1
            self._send_next()
        else:
            self.ended.set_exception(ConnectionError(f"The server answered {status}."))
            self._transport.close()

    def _send_next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.ended.set_result(None)
            self._transport.close()
        else:
            self._parser = httptools.HttpResponseParser(self)
            self._transport.write(request)
