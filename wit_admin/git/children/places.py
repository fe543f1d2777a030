"""Places for git children: a server runs only so many at once, and the rest wait for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wit_admin.errors import UnavailableError

_QUEUE_S = 30.0


@asynccontextmanager
async def take_place(places: asyncio.Semaphore) -> AsyncIterator[None]:
    """Wait for a place, and hold it during the block.

    Raises:
        UnavailableError: None became free in time.
    """
    try:
        async with asyncio.timeout(_QUEUE_S):
            await places.acquire()
    except TimeoutError:
        raise UnavailableError(
            "The server is busy with other clones and pushes.", hint="Try again in a moment."
        ) from None
    try:
        yield
    finally:
        places.release()
