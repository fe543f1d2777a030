"""Push: the head is read and journalled, the pack is streamed, git's report is written down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from wit_admin.errors import WitError
from wit_admin.forge import Forge
from wit_admin.git.backend import PushProcess
from wit_admin.git.commands import PushHeadReader, PushRequest
from wit_admin.git.report import PushReport, ReportReader, render_refusal
from wit_admin.services.gate import Creatable, Served
from wit_admin.web.body import BodyLimits, read_body
from wit_admin.web.exchange import NO_CACHE, Exchange
from wit_admin.web.git_routes import PROBE, Service
from wit_admin.web.notes import notes_of
from wit_admin.web.problems import Problem, as_sentence

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Incoming:
    """A push whose head has been read."""

    request: PushRequest
    read: bytearray
    rest: AsyncIterator[bytes]


async def answer_push(forge: Forge, exchange: Exchange, target: Served | Creatable) -> None:
    """Answer ``POST git-receive-pack``."""
    content_type = (b"content-type", Service.RECEIVE_PACK.content_type("result"))
    incoming = await _read_head(forge, exchange)
    if incoming is None:
        await exchange.reply(200, PROBE, content_type, *NO_CACHE)
        return
    notes = notes_of(exchange.scope)
    try:
        ticket = await run_in_threadpool(
            forge.pushes.open, target, incoming.request, request_id=notes.request_id
        )
    except WitError as error:
        await _refuse(exchange, incoming, error, content_type)
        return
    report, held = PushReport(is_complete=False, unpack=None, results=()), b""
    accepted, status = 0, 0
    try:
        async with forge.backend.push(ticket.gitdir, ticket.variables()) as child:
            feeding = asyncio.create_task(_feed(child, incoming))
            try:
                report, held = await _pass_on(exchange, child, incoming.request, content_type)
                status = await child.wait()
                # git may end before it has read all, and who still sends does not read.
                await feeding
            finally:
                feeding.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await feeding
            complaint = child.complaint()
    finally:
        # Also when the client has gone: what git accepted must be written down.
        accepted = await asyncio.shield(run_in_threadpool(forge.pushes.settle, ticket, report))
    notes.pushes = 1 if accepted else 0
    if status < 0 and not report.is_complete:
        # A client that is left with half a report waits for the rest for ever.
        raise Problem(500, "git was ended in the middle of this push. Fetch, and push again.")
    if not held and accepted:
        # A client that wants no report.
        held = PROBE
    if not exchange.has_started and not held:
        raise Problem(400, f"git refused the push: {as_sentence(complaint)}")
    if not exchange.has_started:
        await exchange.start(200, content_type, *NO_CACHE)
    await exchange.finish(held)


async def _refuse(
    exchange: Exchange, incoming: _Incoming, error: WitError, content_type: tuple[bytes, bytes]
) -> None:
    """Refuse in git's own words, which a client shows; of an HTTP error it shows the number."""
    request = incoming.request
    if not request.wants_report:
        raise error
    async for _ in incoming.rest:
        pass
    message = f"{error.message} {error.hint}" if error.hint else error.message
    refs = [command.ref for command in request.commands]
    answer = render_refusal(refs, message, side_band=request.side_band)
    await exchange.reply(200, answer, content_type, *NO_CACHE)


async def _read_head(forge: Forge, exchange: Exchange) -> _Incoming | None:
    limits = BodyLimits(forge.limits.max_push_bytes, forge.limits.idle_timeout_s)
    chunks = read_body(exchange.receive, exchange.headers, limits)
    # Joined, because a client may send it byte by byte.
    reader, read = PushHeadReader(), bytearray()
    async for chunk in chunks:
        read += chunk
        request = reader.feed(chunk)
        if request is not None:
            if not request.commands:
                return None
            return _Incoming(request, read, chunks)
    reader.finish()
    return None


async def _feed(child: PushProcess, incoming: _Incoming) -> None:
    try:
        await child.write(bytes(incoming.read))
        incoming.read.clear()
        async for chunk in incoming.rest:
            await child.write(chunk)
    finally:
        # Also when the client has gone in the middle: git then sees a pack that breaks off.
        child.close_stdin()


async def _pass_on(
    exchange: Exchange, child: PushProcess, request: PushRequest, content_type: tuple[bytes, bytes]
) -> tuple[PushReport, bytes]:
    """Send progress on at once, and hold the end of the report back until it is written down."""
    reader, held = ReportReader(side_band=request.side_band), b""
    async for chunk in child.chunks():
        reader.feed(chunk)
        if held:
            if not exchange.has_started:
                await exchange.start(200, content_type, *NO_CACHE)
            await exchange.write(held)
        held = chunk
    return reader.report(), held
