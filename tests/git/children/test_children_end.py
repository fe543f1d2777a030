"""A child that dies wakes whoever writes to it, whatever it left behind."""

from __future__ import annotations

import asyncio
import time

import pytest
import uvloop

from wit_admin.git.children.child import GitChild

_MORE_THAN_A_PIPE_HOLDS = bytes(4 * 1024 * 1024)


@pytest.mark.parametrize(
    "script",
    [
        "exec sleep 0.2",
        # What escaped from the child's process group holds all three pipes open, and reads nothing.
        "exec 3<&0; setsid sleep 100 & exec sleep 0.2",
    ],
)
def test_a_writer_is_woken_when_the_child_ends(script: str) -> None:
    async def write() -> float:
        child = GitChild(["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"}, memory_bytes=None)
        async with child:
            started = time.monotonic()
            writing = asyncio.create_task(child.write(_MORE_THAN_A_PIPE_HOLDS))
            async for _ in child.chunks():
                pass
            await child.wait()
            await writing
            return time.monotonic() - started

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        spent_s = runner.run(asyncio.wait_for(write(), 90))

    assert spent_s < 60
