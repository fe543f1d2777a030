"""Push: the head is parsed and journalled, the pack is streamed, git's report is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from wit_admin.errors import RefsRefusedError, UnavailableError, WitError
from wit_admin.forge import Forge
from wit_admin.git.backend import PushProcess
from wit_admin.git.pushes.commands import PushHeadReader, PushRequest
from wit_admin.git.pushes.in_process_push import MAX_PUSH_BYTES
from wit_admin.git.pushes.report import PushReport, ReportReader, render_refusal
from wit_admin.services.access.actors import Client
from wit_admin.services.access.targets import Creatable, Served
from wit_admin.services.pushes.flow import PushTicket
from wit_admin.web.body import BodyLimits, read_body
from wit_admin.web.exchange import NO_CACHE, Exchange
from wit_admin.web.git_routes import PROBE, Service
from wit_admin.web.notes import Outcome, notes_of
from wit_admin.web.problems import Problem, as_sentence
from wit_admin.web.proxies import client_address

log = logging.getLogger(__name__)


_CONTENT_TYPE = (b"content-type", Service.RECEIVE_PACK.content_type("result"))


@dataclass(slots=True)
class _Outcome:
    """The result of a push so far. Refs that the report does not name may have been accepted."""

    report: PushReport = field(
        default_factory=lambda: PushReport(is_complete=False, unpack=None, results=())
    )
    held: bytes = b""
    """The end of the response; the client gets it once the push is recorded."""
    status: int = 0
    complaint: str = ""
    was_in_process: bool = False
    """Whether it was carried out in this process, which accepts only fast-forwards."""
    accepted: int = 0
    """How many refs moved; known once the push is recorded."""


@dataclass(slots=True)
class _Incoming:
    """A push whose head has been read."""

    request: PushRequest
    read: bytearray
    rest: AsyncIterator[bytes]


async def answer_push(forge: Forge, exchange: Exchange, target: Served | Creatable) -> None:
    """Answer ``POST git-receive-pack``."""
    incoming = await _read_head(forge, exchange)
    if incoming is None:
        await exchange.reply(200, PROBE, _CONTENT_TYPE, *NO_CACHE)
        return
    notes = notes_of(exchange.scope)
    try:
        ticket = await run_in_threadpool(
            forge.pushes.open,
            target,
            incoming.request,
            client=Client(client_address(exchange.scope), request_id=notes.request_id),
        )
    except WitError as error:
        await _refuse(exchange, incoming, error)
        return
    outcome = _Outcome()
    try:
        await _carry_out(forge, exchange, incoming, ticket, outcome)
    except UnavailableError as error:
        if exchange.has_started or outcome.accepted:
            raise
        notes.told = Outcome.FAILED
        await _refuse(exchange, incoming, error)
        return
    notes.pushes = 1 if outcome.accepted else 0
    if outcome.status < 0 and not outcome.report.is_complete:
        # A client that gets half a report waits for the rest for ever.
        raise Problem(500, "git was ended in the middle of this push. Fetch, and push again.")
    # A client that wants no report gets a flush.
    held = outcome.held or (PROBE if outcome.accepted else b"")
    if not exchange.has_started and not held:
        raise Problem(400, f"git refused the push: {as_sentence(outcome.complaint)}")
    if not exchange.has_started:
        await exchange.start(200, _CONTENT_TYPE, *NO_CACHE)
    await exchange.finish(held)


async def _carry_out(
    forge: Forge,
    exchange: Exchange,
    incoming: _Incoming,
    ticket: PushTicket,
    outcome: _Outcome,
) -> None:
    try:
        if ticket.guard is None or ticket.guard.takes_fast_forwards:
            await _push_in_process(forge, incoming, ticket, outcome)
        if not outcome.held:
            await _push_by_child(forge, exchange, incoming, ticket, outcome)
    finally:
        # Also when the client has gone: what git accepted must be recorded.
        settling = run_in_threadpool(
            forge.pushes.settle, ticket, outcome.report, is_fast_forward=outcome.was_in_process
        )
        outcome.accepted = await asyncio.shield(settling)


async def _push_in_process(
    forge: Forge, incoming: _Incoming, ticket: PushTicket, outcome: _Outcome
) -> None:
    """Carry a push out in this process, without a git child, if it is small and plain."""
    async for chunk in incoming.rest:
        incoming.read += chunk
        if len(incoming.read) > MAX_PUSH_BYTES:
            break
    if len(incoming.read) > MAX_PUSH_BYTES:
        return
    request, body = incoming.request, bytes(incoming.read)
    pushing = asyncio.ensure_future(
        run_in_threadpool(
            forge.backend.push_in_process, ticket.gitdir, request, body, ticket.variables()
        )
    )
    try:
        await asyncio.shield(pushing)
    finally:
        # The thread goes on when the server cuts this request off, and may move the branch.
        await asyncio.wait([pushing])
        answer = None if pushing.exception() else pushing.result()
        if answer is not None:
            reader = ReportReader(side_band=request.side_band)
            reader.feed(answer)
            outcome.report, outcome.held, outcome.was_in_process = reader.report(), answer, True


async def _push_by_child(
    forge: Forge,
    exchange: Exchange,
    incoming: _Incoming,
    ticket: PushTicket,
    outcome: _Outcome,
) -> None:
    async with forge.backend.push(ticket.gitdir, ticket.variables(), ticket.guard) as child:
        feeding = asyncio.create_task(_feed(child, incoming))
        try:
            await _pass_on(exchange, child, incoming.request, outcome)
            outcome.status = await child.wait()
            # git may end before it has read everything; the client reads only after it has sent.
            await feeding
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
        outcome.complaint = child.complaint()


async def _refuse(exchange: Exchange, incoming: _Incoming, error: WitError) -> None:
    """Refuse in git's protocol: clients show that text, but of an HTTP error only the number."""
    request = incoming.request
    if not request.wants_report:
        raise error
    async for _ in incoming.rest:
        pass
    message: str | None
    if isinstance(error, RefsRefusedError):
        reasons, message = error.reasons, None
    else:
        reasons = dict.fromkeys((command.ref for command in request.commands), "refused")
        message = f"{error.message} {error.hint}" if error.hint else error.message
    answer = render_refusal(reasons, message, side_band=request.side_band)
    await exchange.reply(200, answer, _CONTENT_TYPE, *NO_CACHE)


async def _read_head(forge: Forge, exchange: Exchange) -> _Incoming | None:
    limits = BodyLimits(forge.limits.max_push_bytes, forge.limits.idle_timeout_s)
    chunks = read_body(exchange.receive, exchange.headers, limits)
    # Joined at the end, because a client may send it byte by byte.
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
        # Also when the client has gone half way: git then sees an incomplete pack.
        child.close_stdin()


async def _pass_on(
    exchange: Exchange, child: PushProcess, request: PushRequest, outcome: _Outcome
) -> None:
    """Pass progress on at once, but hold the end of the report back until it is recorded."""
    reader, held = ReportReader(side_band=request.side_band), b""
    async for chunk in child.chunks():
        reader.feed(chunk)
        if held:
            if not exchange.has_started:
                await exchange.start(200, _CONTENT_TYPE, *NO_CACHE)
            await exchange.write(held)
        held = chunk
    outcome.report, outcome.held = reader.report(), held
