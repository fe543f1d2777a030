"""Fetch and clone: the request is read whole (it is small), the pack is streamed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.concurrency import run_in_threadpool

from wit_admin.errors import ConflictError, InvalidInputError, UnavailableError
from wit_admin.forge import Forge
from wit_admin.git.backend import FetchAnswer, ReadyAnswer
from wit_admin.git.fetches.wants import asks_for_commits
from wit_admin.git.pktline import Mark, write_error
from wit_admin.log import fields
from wit_admin.services.access.targets import Served
from wit_admin.web.body import BodyLimits, ClientGoneError, MemoryBudget, read_body
from wit_admin.web.exchange import NO_CACHE, Exchange
from wit_admin.web.git_routes import (
    PROBE,
    GitRoute,
    Service,
    operation_of,
    protocol_version,
)
from wit_admin.web.notes import Outcome, notes_of
from wit_admin.web.problems import Problem, as_sentence

log = logging.getLogger(__name__)

MAX_FETCH_REQUEST_BYTES = 16 * 1024 * 1024
"""Wants and haves take 50 bytes each, so this is enough for 300,000."""
_CONTENT_TYPE = (b"content-type", Service.UPLOAD_PACK.content_type("result"))

_DAMAGED = "is corrupt"
"""In git's words about an object of the repository. Source: git's object-file.c and packfile.c."""

_TURNS = 4
_PIECE_BYTES = 256 * 1024
"""More than a few of these are never under way to a client that reads slowly."""


async def answer_fetch(
    forge: Forge, exchange: Exchange, route: GitRoute, served: Served, budget: MemoryBudget
) -> None:
    """Answer ``POST git-upload-pack``; a fetch without haves that gets a pack is a clone."""
    limits = BodyLimits(MAX_FETCH_REQUEST_BYTES, forge.limits.idle_timeout_s)
    version = protocol_version(exchange.headers.get(b"git-protocol"))
    notes = notes_of(exchange.scope)
    chunks = read_body(exchange.receive, exchange.headers, limits)
    async with budget.hold_whole(chunks) as body:
        if body == PROBE:
            await exchange.reply(200, PROBE, _CONTENT_TYPE, *NO_CACHE)
            return
        notes.operation = operation_of(route, body)
        ready = await forge.backend.fetch_in_process(served.gitdir, body, version)
        if ready is not None:
            await _reply_ready(forge, exchange, served, ready)
            return
        try:
            was_clone = await _send(exchange, forge.backend.fetch(served.gitdir, body, version))
        except (ConflictError, InvalidInputError, UnavailableError) as error:
            if exchange.has_started:
                raise
            # git shows the text of an error in its protocol; of an HTTP error only the number.
            is_ours = isinstance(error, UnavailableError)
            notes.told = notes.told or (Outcome.FAILED if is_ours else Outcome.REFUSED)
            said = write_error(f"{error.message} {error.hint or ''}".strip())
            await exchange.reply(200, said, _CONTENT_TYPE, *NO_CACHE)
            return
        if was_clone:
            notes.clones = await run_in_threadpool(_count_clone, forge, served, body)
    await exchange.finish()


async def _reply_ready(
    forge: Forge, exchange: Exchange, served: Served, ready: ReadyAnswer
) -> None:
    body = ready.body
    await exchange.start(200, (b"content-length", b"%d" % len(body)), _CONTENT_TYPE, *NO_CACHE)
    last = (len(body) - 1) // _PIECE_BYTES * _PIECE_BYTES
    if last:
        async with _until_client_leaves(exchange):
            for at in range(0, last, _PIECE_BYTES):
                await exchange.write(body[at : at + _PIECE_BYTES])
    if ready.was_clone:
        notes_of(exchange.scope).clones = await run_in_threadpool(_record_clone, forge, served)
    await exchange.finish(body[last:])


async def _send(exchange: Exchange, answering: AbstractAsyncContextManager[FetchAnswer]) -> bool:
    """Send the answer as it comes; return whether it is a whole clone."""
    is_whole = False
    try:
        async with _until_client_leaves(exchange), answering as answer:
            async for chunk in answer.chunks():
                if not exchange.has_started:
                    await exchange.start(200, _CONTENT_TYPE, *NO_CACHE)
                await exchange.write(chunk)
                is_whole = chunk.endswith(Mark.FLUSH.value)
    except ClientGoneError:
        # Some clients hang up after the last packet, before our git child has ended.
        if not is_whole:
            raise
    if not exchange.has_started:
        raise _why_silent(exchange, as_sentence(answer.complaint()))
    if not (answer.ended_well or is_whole):
        _note_failure(exchange, answer)
        return False
    return answer.was_clone


def _why_silent(exchange: Exchange, complaint: str) -> Exception:
    """Return the error for a client of whom git has taken leave without an answer."""
    if _DAMAGED not in complaint:
        return Problem(400, f"git could not read the request: {complaint}")
    notes_of(exchange.scope).told = Outcome.FAILED
    log.warning("git cannot read a repository.", extra=fields(reason=complaint))
    return ConflictError(f"git cannot read this repository: {complaint}")


def _note_failure(exchange: Exchange, answer: FetchAnswer) -> None:
    """Before the pack it is the request that git cannot fulfil, and within it the repository."""
    notes = notes_of(exchange.scope)
    notes.told = Outcome.REFUSED
    if answer.sent_pack:
        notes.told = Outcome.FAILED
        reason = as_sentence(answer.complaint()) if answer.complaint() else "It was killed."
        log.warning("git did not finish a pack.", extra=fields(reason=reason))


def _count_clone(forge: Forge, served: Served, body: bytes) -> int:
    return _record_clone(forge, served) if asks_for_commits(served.gitdir, body) else 0


def _record_clone(forge: Forge, served: Served) -> int:
    if served.repo_id is not None:
        actor_id = served.actor.user_id if served.actor else None
        forge.pushes.record_clone(served.repo_id, actor_id)
    return 1


@asynccontextmanager
async def _until_client_leaves(exchange: Exchange) -> AsyncIterator[None]:
    """Cancel the body of the ``with``, and so the git child, as soon as the client hangs up.

    Data sent to a client that has gone is dropped silently, so this has to listen for the end.

    Raises:
        ClientGoneError: The client hung up.
    """
    has_left = False
    worker = asyncio.current_task()

    async def listen() -> None:
        nonlocal has_left
        while (await exchange.receive())["type"] != "http.disconnect":
            pass
        has_left = True
        if worker is not None:
            worker.cancel()

    listener = asyncio.create_task(listen())
    try:
        yield
        # The end also wakes a waiting writer, some turns of the loop before we learn of it.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        if not has_left:
            raise
        if worker is not None:
            worker.uncancel()
        raise ClientGoneError from None
    finally:
        listener.cancel()
