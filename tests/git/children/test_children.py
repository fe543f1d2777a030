"""Children that hang, lie or never end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.nobody import as_nobody_in
from tests.support.processes import is_running, wait_until
from wit_admin.errors import UnavailableError
from wit_admin.git.children import child as module
from wit_admin.git.children.child import GitChild

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


async def read_all(script: str, *, stdin: bytes = b"", silence_s: float = 5.0) -> bytes:
    line = ["/bin/sh", "-c", script]
    async with GitChild(line, ENVIRONMENT, memory_bytes=None, silence_s=silence_s) as child:
        await child.write(stdin)
        child.close_stdin()
        return b"".join([chunk async for chunk in child.chunks()])


def test_child_that_waits_for_a_pipe_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    began = time.monotonic()
    with pytest.raises(UnavailableError, match="stopped"):
        asyncio.run(read_all(f"echo started; cat {tmp_path}/pipe", silence_s=0.3))

    assert time.monotonic() - began < 30


class Clock:
    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


def test_child_that_speaks_now_and_then_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    os.mkfifo(tmp_path / "pipe")

    async def listen() -> bytes:
        heard, said = asyncio.Event(), b""

        async def prompt() -> None:
            with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
                for number in range(8):
                    # Long enough for the other to wait again.
                    await asyncio.sleep(0.02)
                    clock.now_s += 1.5
                    heard.clear()
                    pipe.write(b"%d" % number)
                    await heard.wait()

        line = ["/bin/sh", "-c", f"cat {tmp_path}/pipe"]
        async with GitChild(line, ENVIRONMENT, memory_bytes=None, silence_s=2) as child:
            prompting = asyncio.create_task(prompt())
            async for chunk in child.chunks():
                said += chunk
                heard.set()
            await prompting
        return said

    assert asyncio.run(listen()) == b"01234567"


def test_grandchildren_end_with_their_child(tmp_path: Path) -> None:
    async def leave_in_the_middle() -> int:
        line = ["/bin/sh", "-c", "sleep 100 & echo $!; wait"]
        async with GitChild(line, ENVIRONMENT, memory_bytes=None) as child:
            async for chunk in child.chunks():
                return int(chunk)
        raise AssertionError

    grandchild = asyncio.run(leave_in_the_middle())

    wait_until(lambda: not is_running(grandchild))


class NotingLoop(asyncio.SelectorEventLoop):
    """Takes note of what it is asked to do later, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[float] = []

    def call_later(  # type: ignore[override]  # whatever it takes
        self, delay: float, *arguments: Any, **named: Any
    ) -> asyncio.TimerHandle:
        self.delays.append(delay)
        return super().call_later(delay, *arguments, **named)


def shortest_wait_for_output() -> float:
    async def read() -> None:
        line = ["/bin/sh", "-c", "echo one; exec cat"]
        async with GitChild(line, ENVIRONMENT, memory_bytes=None) as child:
            async for _ in child.chunks():
                # It is alive until somebody waits for more.
                asyncio.get_running_loop().call_soon(child.close_stdin)

    with asyncio.Runner(loop_factory=NotingLoop) as runner:
        runner.run(read())
        loop = runner.get_loop()
        assert isinstance(loop, NotingLoop)
        return min(loop.delays)


def test_output_gathers_in_large_pipes_and_is_taken_at_once_from_small_ones() -> None:
    with ExitStack() as held, as_nobody_in():
        # The kernel gives a user without rights so many large ones.
        for _ in range(100):
            for end in os.pipe():
                held.callback(os.close, end)
            with suppress(PermissionError):
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 1024 * 1024)
        of_small = shortest_wait_for_output()

    of_large = shortest_wait_for_output()

    assert of_large < 0.1
    assert of_small > 1


def test_complaints_without_end_take_bounded_memory() -> None:
    async def complain() -> str:
        line = ["/bin/sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x >&2; echo the end >&2"]
        async with GitChild(line, ENVIRONMENT, memory_bytes=None) as child:
            child.close_stdin()
            await child.wait()
            return child.complaint()

    complaint = asyncio.run(complain())

    assert complaint.endswith("the end")
    assert len(complaint) <= 4096


@pytest.mark.parametrize(("limit", "fails"), [(None, False), (200 * 1024**2, True)])
def test_child_over_its_memory_fails(limit: int | None, fails: bool) -> None:
    async def allocate() -> int:
        line = [sys.executable, "-c", "import sys; sys.stdin.read(1); b'x' * 400_000_000"]
        async with GitChild(line, ENVIRONMENT, memory_bytes=limit) as child:
            await child.write(b"go")
            return await child.wait()

    assert (asyncio.run(allocate()) != 0) == fails
