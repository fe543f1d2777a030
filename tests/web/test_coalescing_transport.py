"""What is written in one moment is sent together, and nothing of it is lost or turned round."""

from __future__ import annotations

import asyncio
import socket

from wit_admin.web.coalescing_transport import CoalescingTransport


class Recorder(asyncio.Transport):
    """Stands where the kernel would."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_closed


def test_small_writes_of_one_moment_go_together() -> None:
    async def run() -> list[bytes]:
        behind = Recorder()
        transport = CoalescingTransport(behind, 60.0)
        for piece in (b"head", b"body", b"end"):
            transport.write(piece)
        await asyncio.sleep(0)
        transport.write(b"next")
        await asyncio.sleep(0)
        return behind.writes

    assert asyncio.run(run()) == [b"headbodyend", b"next"]


def test_much_is_sent_at_once_and_in_order() -> None:
    async def run() -> list[bytes]:
        behind = Recorder()
        transport = CoalescingTransport(behind, 60.0)
        transport.write(b"head")
        transport.write(b"x" * 20_000)
        transport.write(b"end")
        return list(behind.writes)

    assert asyncio.run(run()) == [b"head" + b"x" * 20_000]


def test_closing_sends_what_is_left_and_aborting_does_not() -> None:
    async def run() -> tuple[Recorder, Recorder]:
        closed, aborted = Recorder(), Recorder()
        for behind, end in (
            (closed, CoalescingTransport.close),
            (aborted, CoalescingTransport.abort),
        ):
            transport = CoalescingTransport(behind, 60.0)
            transport.write(b"last words")
            end(transport)
        await asyncio.sleep(0)
        return closed, aborted

    closed, aborted = asyncio.run(run())

    assert (closed.writes, closed.is_closed) == ([b"last words"], True)
    assert (aborted.writes, aborted.is_closed) == ([], True)


def test_a_slow_reader_is_noticed_behind_it() -> None:
    class Writer(asyncio.Protocol):
        is_paused = False

        def pause_writing(self) -> None:
            self.is_paused = True

    async def run() -> bool:
        ours, theirs = socket.socketpair()
        with theirs:
            behind, protocol = await asyncio.get_running_loop().create_connection(Writer, sock=ours)
            transport = CoalescingTransport(behind, 60.0)
            transport.write(b"x" * 4_000_000)
            transport.abort()
            return protocol.is_paused

    assert asyncio.run(run())
