"""A push whose objects a repack has lost is tried again, and the client sees only the last try."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wit_admin.git.children.child import GitChild
from wit_admin.git.pushes.retried_push import RetriedPush, progress_length

LOST = b"ng refs/heads/main unable to migrate objects to permanent storage\n"
PROGRESS = b"000c\x02working"
FINE = b"000aunpack"

PROGRAM = """\
#!/bin/sh
cat > input.$$
echo >> tries
printf '{progress}'
if [ $(wc -l < tries) -lt {good} ]; then
    printf '0046'; sleep 0.05; printf '{lost}'
else
    printf '{fine}'
fi
"""


def push(folder: Path, body: bytes, *, good: int) -> bytes:
    """Push ``body`` to a program of which the try of this number is the first to succeed."""
    program = folder / "receive-pack"
    program.write_text(
        "cd "
        + str(folder)
        + "\n"
        + PROGRAM.format(
            progress=PROGRESS.decode().replace("\x02", "\\002"),
            lost=LOST.decode().replace("\n", "\\n"),
            fine=FINE.decode(),
            good=good,
        )
    )
    line = ["/bin/sh", str(program)]

    async def run() -> bytes:
        start = lambda: GitChild(line, {"PATH": "/usr/bin:/bin"}, memory_bytes=None)  # noqa: E731
        async with RetriedPush(start) as child:

            async def feed() -> None:
                await child.write(body)
                child.close_stdin()

            feeding = asyncio.create_task(feed())
            answer = b"".join([chunk async for chunk in child.chunks()])
            await feeding
            assert await child.wait() == 0
            return answer

    return asyncio.run(asyncio.wait_for(run(), 90))


def inputs(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.glob("input.*")}


def test_lost_push_is_tried_again_with_the_same_input(tmp_path: Path) -> None:
    answer = push(tmp_path, b"pack" * 1000, good=3)

    assert answer == PROGRESS * 3 + FINE
    assert inputs(tmp_path) == {b"pack" * 1000}
    assert len((tmp_path / "tries").read_text()) == 3


def test_push_that_is_always_lost_is_refused_in_the_end(tmp_path: Path) -> None:
    answer = push(tmp_path, b"pack", good=100)

    assert answer == PROGRESS * 5 + b"0046" + LOST
    assert len((tmp_path / "tries").read_text()) == 5


@pytest.mark.parametrize("good", [1, 2])
def test_large_push_is_not_kept(tmp_path: Path, good: int) -> None:
    answer = push(tmp_path, bytes(2 * 1024**2), good=good)

    assert answer == PROGRESS + (FINE if good == 1 else b"0046" + LOST)
    assert len((tmp_path / "tries").read_text()) == 1


def test_sign_of_life_does_not_wait_for_the_report() -> None:
    output = bytearray(PROGRESS + b"0005\x01" + PROGRESS + FINE)

    assert progress_length(output) == len(output) - len(FINE)
