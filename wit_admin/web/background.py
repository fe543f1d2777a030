"""What a serving process does beside answering: it keeps the push journal settled."""

from __future__ import annotations

import asyncio
import logging
import random
import time

from anyio.to_thread import run_sync

from wit_admin.errors import UnavailableError
from wit_admin.forge import Forge

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_REPLAY_EVERY_S = 60.0


async def keep_journal_settled(forge: Forge) -> None:
    """Replay the journal now, and each minute; sooner while a push waits to be recorded.

    "Now" is how the pushes of a worker that died are settled: another takes its place.
    """
    due = time.monotonic()
    while True:
        if forge.pushes.has_unrecorded or time.monotonic() >= due:
            due = time.monotonic() + _REPLAY_EVERY_S * random.uniform(0.8, 1.2)  # noqa: S311  no secret
            if not await _replay(forge):
                due = time.monotonic()
        await asyncio.sleep(_LOOK_EVERY_S)


async def _replay(forge: Forge) -> bool:
    """Run one pass; false when it should be tried again soon."""
    try:
        replayed = await run_sync(forge.pushes.replay, abandon_on_cancel=True)
    except UnavailableError as error:
        log.debug("The journal waits: %s", error.message)
        return False
    if replayed.settled:
        log.info("Settled %d pushes that were left unrecorded.", replayed.settled)
    return not replayed.left
