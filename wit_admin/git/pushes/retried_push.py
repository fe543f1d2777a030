"""Retries a small push that failed because of a concurrent repack.

``git repack -d`` removes empty folders of loose objects. Where it removes one just when
``receive-pack`` has made it, the objects cannot be moved in, and git refuses the push.
Source: git's tmp-objdir.c, ``migrate_one``; builtin/prune-packed.c, ``prune_subdir``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Self

from wit_admin.git.children.child import GitChild

_LOST = b"unable to migrate objects to permanent storage"
_ATTEMPTS = 5
_DIGITS, _PROGRESS, _KEEPALIVE = 4, b"\x02", b"0005\x01"
"""Source: gitprotocol-pack(5), "Packfile Data", side-band; git's builtin/receive-pack.c,
``copy_to_sideband``, for the packet that only says that git lives."""
_MAX_KEPT_BYTES = 1024 * 1024
"""Larger pushes come as packs as a rule, which have a folder that stays."""


class RetriedPush:
    """A ``receive-pack`` at work, and its input as long as that is small."""

    def __init__(self, start: Callable[[], AbstractAsyncContextManager[GitChild]]) -> None:
        self._start = start
        self._running = AsyncExitStack()
        self._kept: bytearray | None = bytearray()

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.aclose()

    async def write(self, data: bytes) -> None:
        """Write to its standard input, and wait while that is full. After its end data is lost."""
        if self._kept is not None:
            self._kept += data
            if len(self._kept) > _MAX_KEPT_BYTES:
                self._kept = None
        await self._child.write(data)

    def close_stdin(self) -> None:
        """Close its standard input."""
        self._child.close_stdin()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its answer as it comes, except answers that failed because of a repack."""
        for attempt in range(1, _ATTEMPTS + 1):
            held = bytearray()
            async for chunk in self._child.chunks():
                held += chunk
                # The report comes in pieces, and is judged when it is whole.
                ready = len(held) if self._kept is None else progress_length(held)
                if ready:
                    yield bytes(held[:ready])
                    del held[:ready]
            if self._kept is None or _LOST not in held or attempt == _ATTEMPTS:
                if held:
                    yield bytes(held)
                return
            await self._begin()
            await self._child.write(bytes(self._kept))
            self._child.close_stdin()

    async def wait(self) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        return await self._child.wait()

    def complaint(self) -> str:
        """Return the last lines of its standard error."""
        return self._child.complaint()

    async def _begin(self) -> None:
        await self._running.aclose()
        self._running = AsyncExitStack()
        self._child = await self._running.enter_async_context(self._start())


def progress_length(output: bytearray) -> int:
    """Return how long the packets of progress are that ``output`` begins with."""
    at = 0
    while (
        output[at + _DIGITS : at + _DIGITS + 1] == _PROGRESS
        or output[at : at + len(_KEEPALIVE)] == _KEEPALIVE
    ):
        size = int(output[at : at + _DIGITS], 16)
        if len(output) < at + size:
            break
        at += size
    return at
