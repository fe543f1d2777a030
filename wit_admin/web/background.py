"""Background tasks of a serving process: replaying the journal, indexing pushed changes."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from anyio.to_thread import run_sync

from wit_admin.errors import UnavailableError, WitError
from wit_admin.log import fields
from wit_admin.services.pushes.flow import PushFlow
from wit_admin.services.pushes.index import PushIndex

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_REPLAY_EVERY_S = 60.0
_FIND_EVERY_S = 300.0
_REST_S = 60.0
_SHARE = 9
"""The index rests for this many times as long as it works."""
_POSTPONED = "A background task was postponed."

T = TypeVar("T")


async def keep_journal_settled(pushes: PushFlow, *, rest_s: float = _REST_S) -> None:
    """Replay the journal now, and each minute; sooner while a push waits to be recorded.

    The replay at the start settles the pushes of a worker that died, whose place this one takes.
    After a failure that may last it rests for ``rest_s``.
    """
    due = time.monotonic()
    while True:
        if pushes.has_unrecorded or time.monotonic() >= due:
            due = time.monotonic() + _REPLAY_EVERY_S * random.uniform(0.8, 1.2)  # noqa: S311  no secret
            replayed = await _try("journal", pushes.replay, rest_s)
            if replayed is not None and replayed.settled:
                log.info(
                    "Pushes left in the journal were settled.", extra=fields(count=replayed.settled)
                )
            if replayed is None or replayed.left:
                due = time.monotonic()
        await asyncio.sleep(_LOOK_EVERY_S)


async def keep_changes_indexed(index: PushIndex, *, rest_s: float = _REST_S) -> None:
    """Index the change ids of pushed commits, after the pushes were answered.

    One run may cover many pushes to a repository. The database is asked which repositories are due
    at the start (a worker that died may have left some), after it was gone, and every few minutes
    (a run may have failed, or another host died). After a failure that may last it rests for
    ``rest_s``.
    """
    due = time.monotonic()
    while True:
        pause = _LOOK_EVERY_S
        if time.monotonic() >= due:
            found = await _try("changes", index.find, rest_s)
            if found is not None:
                due = time.monotonic() + _FIND_EVERY_S * random.uniform(0.8, 1.2)  # noqa: S311  no secret
        elif index.has_waiting:
            started = time.monotonic()
            if await _try("changes", index.index_next, rest_s) is None:
                due = time.monotonic()
            elif index.has_waiting:
                pause = _SHARE * (time.monotonic() - started)
        await asyncio.sleep(pause)


async def _try(task: str, work: Callable[[], T], rest_s: float) -> T | None:
    """Return the result of ``work``; ``None`` if it failed and is to be tried again.

    No error may end the task: nobody would notice that its work is no longer done.
    """
    try:
        return await run_sync(work, abandon_on_cancel=True)
    except UnavailableError as error:
        log.debug(_POSTPONED, extra=fields(task=task, reason=error.message))
        return None
    except (WitError, OSError) as error:
        log.warning(_POSTPONED, extra=fields(task=task, reason=error))
    except Exception:
        log.exception("A background task failed because of a bug.", extra=fields(task=task))
    await asyncio.sleep(rest_s)
    return None
