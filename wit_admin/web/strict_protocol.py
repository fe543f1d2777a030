"""uvicorn's HTTP/1.1 protocol, stricter, with limits on the time and size of a request's head.

Source: RFC 9110 and RFC 9112. Two servers that disagree on where a request ends let one client
smuggle a request into another's connection, so what can be read in two ways is refused.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from wit_admin.web.coalescing_transport import CoalescingTransport

_MAX_HEADERS = 100
_MAX_URL_BYTES = 8 * 1024
_SINGLE = frozenset({b"host", b"content-length", b"transfer-encoding", b"content-type"})


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How long a request's head may take to come, and how large it may be."""

    timeout_s: float
    max_bytes: int


def refusal(status: int, sentence: str) -> bytes:
    """Return an answer that ends the connection."""
    body = sentence.encode() + b"\n"
    return (
        STATUS_LINE[status]
        + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
        + b"content-length: %d\r\n\r\n" % len(body)
        + body
    )


class _RefusedError(Exception):
    """Stops the parser; the protocol knows why."""


class StrictProtocol(HttpToolsProtocol):
    """One connection."""

    limits: HeadLimits
    idle_timeout_s: float
    """How long a client may take nothing of what is there for it."""
    left_patience_s = 3.0
    """How long an answer may take to begin for a client that may have gone."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = False
        self._seen: set[bytes] = set()
        self._refusal = (400, "The request is not valid HTTP/1.1.")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request's head from now on."""
        super().connection_made(CoalescingTransport(transport, self.idle_timeout_s))
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timers."""
        self._head_is_complete()
        self._is_not_stuck()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a client that has asked all that it wants to, if the answer begins soon.

        One that is gone looks the same, until it is sent something: its git child is to end too.
        """
        is_whole = self.is_answering and not self.cycle.more_body
        if not is_whole or self.transport.get_extra_info("sslcontext") is not None:
            # What is written already goes out. TLS knows no connection that is closed by half.
            self.transport.close()
            return False
        self.cycle.keep_alive = False
        self._head_is_complete()
        self._deadline = self.loop.call_later(self.left_patience_s, self._is_left, self.cycle)
        return True

    def _is_left(self, cycle: RequestResponseCycle) -> None:
        self._deadline = None
        if not cycle.response_started:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse what came, within the limits."""
        if self._deadline is None and not self.is_answering:
            # After an answer: another head, or a body that nobody reads; neither may take long.
            self._expect_head()
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.limits.max_bytes:
            self._refuse_head(431, "The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._in_head, self._head_bytes, self._seen = True, 0, set()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request target."""
        super().on_url(url)
        if len(self.url) > _MAX_URL_BYTES:
            self._stop_parsing(414, "The address of the request is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, unless there are too many or it must not be repeated."""
        if not self._in_head:
            # A trailer after a chunked body; nobody here asks for one.
            return
        key = name.lower()
        if key in _SINGLE:
            if key in self._seen:
                shown = key.decode("latin-1")
                self._stop_parsing(400, f"The header {shown} was sent twice.")
            self._seen.add(key)
        if len(self.headers) >= _MAX_HEADERS:
            self._stop_parsing(431, "The request has too many headers.")
        super().on_header(key, value)

    def on_headers_complete(self) -> None:
        """Hand the request over."""
        size = len(self.url) + sum(map(len, itertools.chain.from_iterable(self.headers)))
        if size > self.limits.max_bytes:
            self._stop_parsing(431, "The head of the request is too large.")
        if self.parser.get_http_version() == "1.1" and b"host" not in self._seen:
            self._stop_parsing(400, "The request names no host.")
        if self.parser.get_http_version() == "1.0" and b"transfer-encoding" in self._seen:
            self._stop_parsing(400, "A request of HTTP/1.0 cannot come in chunks.")
        self._in_head = False
        self._head_is_complete()
        self.begin_request()

    def begin_request(self) -> None:
        """Hand the request over to the application; its head is here."""
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say why, if no answer is on its way, and close the connection."""
        self._head_is_complete()
        if self.transport.is_closing():
            return
        if self.is_answering:
            if self.cycle.response_started:
                self.transport.close()
                return
            # Whoever reads the body learns that it does not go on.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(refusal(*self._refusal))
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if the upgrade had not been offered; RFC 9110 allows it, and it is common."""

    @property
    def is_idle(self) -> bool:
        """Between two requests, or before the first."""
        return not self._in_head and not self.is_answering

    @property
    def is_answering(self) -> bool:
        """A request was handed over, and its answer is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def drop(self) -> None:
        """Close it at once, whatever the client has not taken yet."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """Wait for the client, also if whoever answers would do so for ever."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.idle_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on; the client takes what it is sent."""
        self._is_not_stuck()
        super().resume_writing()

    def _is_not_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _stop_parsing(self, status: int, sentence: str) -> None:
        self._refusal = (status, sentence)
        raise _RefusedError

    def _refuse_head(self, status: int, sentence: str) -> None:
        self._refusal = (status, sentence)
        self.send_400_response(sentence)

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(self.limits.timeout_s, self._head_is_late)

    def _head_is_complete(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _head_is_late(self) -> None:
        self._deadline = None
        if self._in_head:
            self._refuse_head(408, "The head of the request did not come in time.")
        elif not self.transport.is_closing():
            self.transport.close()
