"""Connections end, also those of clients that take nothing of what was sent to them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from wit_admin.web.connections import Connections, close_in_time

_MUCH = b"x" * 16_000_000
"""More than the kernel takes ahead of who reads."""


class Ours(asyncio.Protocol):
    """The server's end of a connection."""

    def __init__(self, site: Site) -> None:
        self.has_ended = asyncio.Event()
        self._site = site

    @property
    def is_idle(self) -> bool:
        return True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._site.connections.add(self)
        self._site.accepted.put_nowait(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.connections.discard(self)
        self.has_ended.set()

    def shutdown(self) -> None:
        self.transport.close()

    def drop(self) -> None:
        self.transport.abort()

    def break_off(self) -> None:
        """Never amid an answer."""


class Site:
    """A server, and clients that connect to it."""

    def __init__(self, path: str) -> None:
        self.connections = Connections(1)
        self.path = path
        self.accepted: asyncio.Queue[Ours] = asyncio.Queue()

    async def connect(self) -> tuple[Ours, socket.socket]:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(0)
        await asyncio.get_running_loop().sock_connect(client, self.path)
        return await self.accepted.get(), client


async def read_to_end(client: socket.socket) -> int:
    count = 0
    while piece := await asyncio.get_running_loop().sock_recv(client, 1_000_000):
        count += len(piece)
    return count


def run(path: Path, work: Callable[[Site], Awaitable[None]]) -> None:
    async def main() -> None:
        site = Site(str(path / "socket"))
        server = await asyncio.get_running_loop().create_unix_server(lambda: Ours(site), site.path)
        async with asyncio.timeout(30), server:
            await work(site)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_who_takes_nothing_is_cut_off_in_time(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        protocol, client = await site.connect()
        with client:
            protocol.transport.write(_MUCH)
            close_in_time(protocol.transport, 0.05)
            await protocol.has_ended.wait()

    run(tmp_path, work)


def test_who_takes_it_slowly_gets_all(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        protocol, client = await site.connect()
        with client:
            protocol.transport.write(_MUCH)
            close_in_time(protocol.transport, 10.0)
            assert await read_to_end(client) == len(_MUCH)
            await protocol.has_ended.wait()

    run(tmp_path, work)


@pytest.mark.parametrize("is_closing", [False, True])
def test_who_takes_nothing_makes_room_at_once(tmp_path: Path, is_closing: bool) -> None:
    async def work(site: Site) -> None:
        stuck, client = await site.connect()
        stuck.transport.write(_MUCH)
        if is_closing:
            close_in_time(stuck.transport, 60.0)
        late, other = await site.connect()
        with client, other:
            assert site.connections.make_room_for(late)
            await stuck.has_ended.wait()
            assert list(site.connections) == [late]
            late.drop()

    run(tmp_path, work)
