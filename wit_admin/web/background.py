"""What a serving process does beside answering: journal settled, pushed changes indexed."""

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
_SHARE = 9
"""The index rests so many times as long as it works."""


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


async def keep_changes_indexed(forge: Forge) -> None:
    """Look through pushes for change ids, after they were answered and never at their expense.

    Of many pushes to one repository one look may be enough. What a worker that died left is found
    at the start, since another takes its place.
    """
    knows_all = False
    while True:
        pause = _LOOK_EVERY_S
        if forge.pushes.has_unindexed or not knows_all:
            started = time.monotonic()
            work = forge.pushes.index_next if knows_all else forge.pushes.find_unindexed
            try:
                await run_sync(work, abandon_on_cancel=True)
                knows_all = True
                if forge.pushes.has_unindexed:
                    pause = _SHARE * (time.monotonic() - started)
            except UnavailableError as error:
                log.debug("The index of changes waits: %s", error.message)
                knows_all = False
        await asyncio.sleep(pause)


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
