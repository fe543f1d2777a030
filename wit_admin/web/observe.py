"""The outermost middleware: request id, access log, metrics, and answers to bugs."""

from __future__ import annotations

import asyncio
import logging
import re
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wit_admin.log import log_fields, request_id
from wit_admin.web.metrics import WorkerMetrics
from wit_admin.web.notes import Notes, notes_of, put_notes
from wit_admin.web.request_ids import find_request_id, new_request_id

log = logging.getLogger("wit_admin.access")
_bugs = logging.getLogger(__name__)

_SHOWN_QUERY = re.compile(rb"service=git-[a-z-]{1,32}")
"""The only query strings that are logged; any other may hold a secret."""


def observed(app: ASGIApp, metrics: WorkerMetrics) -> ASGIApp:
    """Wrap ``app``, so that every request gets a response and a log line, even after a bug."""

    async def observe(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        notes = Notes(find_request_id(scope["headers"]) or new_request_id())
        put_notes(scope, notes)
        token = request_id.set(notes.request_id)
        started = time.perf_counter()
        metrics.enter()
        try:
            await _answer(app, scope, _counting(receive, notes), _noting(send, notes))
        finally:
            spent_s = time.perf_counter() - started
            metrics.leave(notes, spent_s)
            _write_line(scope["method"], scope["raw_path"], scope["query_string"], notes, spent_s)
            request_id.reset(token)

    return observe


def note_reply(
    method: str, url: bytes, metrics: WorkerMetrics, notes: Notes, started: float
) -> None:
    """Record a response from a cache; ``started`` is by :func:`time.perf_counter`."""
    spent_s = time.perf_counter() - started
    path, _, query = url.partition(b"?")
    token = request_id.set(notes.request_id)
    metrics.enter()
    metrics.leave(notes, spent_s)
    _write_line(method, path, query, notes, spent_s)
    request_id.reset(token)


async def _answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    notes = notes_of(scope)
    try:
        await app(scope, receive, send)
    except asyncio.CancelledError:
        # Only the end of the server cancels a request; no caller waits for the cancellation. To
        # uvicorn it would be a bug of ours.
        notes.is_gone = True
        if notes.status == 0:
            await _say(send, 503, "The server is stopping.")
    except Exception:
        _bugs.exception("A request failed because of a bug.")
        if notes.status == 0:
            await _say(
                send,
                500,
                f"Something went wrong on the server; the log has it under {notes.request_id}.",
            )
            return
        raise


async def _say(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode() + b"\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _counting(receive: Receive, notes: Notes) -> Receive:
    async def count() -> Message:
        message = await receive()
        notes.bytes_in += len(message.get("body", b""))
        return message

    return count


def _noting(send: Send, notes: Notes) -> Send:
    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            notes.status = message["status"]
            identity = (b"x-request-id", notes.request_id.encode("ascii"))
            message = {**message, "headers": [*message.get("headers", ()), identity]}
        else:
            notes.bytes_out += len(message.get("body", b""))
        await send(message)

    return note


def _write_line(method: str, raw_path: bytes, query: bytes, notes: Notes, spent_s: float) -> None:
    if not log.isEnabledFor(logging.INFO):
        return
    if _SHOWN_QUERY.fullmatch(query):
        raw_path += b"?" + query
    path = raw_path.decode("ascii", "backslashreplace")
    ms, status, sent, user = spent_s * 1000, notes.status, notes.bytes_out, notes.user
    outcome = notes.outcome.value
    fields = {
        "method": method,
        "path": path,
        "status": status,
        "ms": round(ms, 1),
        "bytes": sent,
        "user": user,
        "outcome": outcome,
    }
    message = f"{method} {path} {status} {ms:.1f} ms {sent} bytes {outcome} {user or '-'}"
    log_fields(log, message, fields)
