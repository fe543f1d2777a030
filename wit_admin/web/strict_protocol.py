"""uvicorn's HTTP/1.1 protocol, stricter, with limits on the time and size of a request's head.

Source: RFC 9110 and RFC 9112. Where two servers disagree on the end of a request, one client can
smuggle a request into another's connection. So a request that is ambiguous is refused.
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
    """Limits on the time that a request's head takes to arrive, and on its size."""

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
    """Stops the parser; the protocol has already recorded why."""


class StrictProtocol(HttpToolsProtocol):
    """One connection, with limits on the head of each request."""

    limits: HeadLimits
    idle_timeout_s: float
    """How long a client may leave data unread that was sent to it."""
    left_patience_s = 3.0
    """How long a response may take to begin once the client has closed its side."""

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
        """Cancel the timers."""
        self._head_is_complete()
        self._is_not_stuck()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Still answer a client that closes its sending side, if the response begins soon.

        A client that has gone looks the same until something is sent to it. Hence the time limit:
        its git child must end, too.
        """
        is_whole = self.is_answering and not self.cycle.more_body
        if not is_whole or self.transport.get_extra_info("sslcontext") is not None:
            # Data already written is still sent. TLS has no half-closed connections.
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
        """Parse data, within the limits."""
        if self._deadline is None and not self.is_answering:
            # After a response come another head, or a body that nobody reads: limit both.
            self._expect_head()
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.limits.max_bytes:
            self._refuse_head(431, "The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Start the counts of bytes and headers of a new head."""
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
        """Check the complete head, and begin the request."""
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
        """Pass the request to the application, once its head is complete."""
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Send the reason, unless a response has begun, and close the connection."""
        self._head_is_complete()
        if self.transport.is_closing():
            return
        if self.is_answering:
            if self.cycle.response_started:
                self.transport.close()
                return
            # The application, which reads the body, must learn that no more comes.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(refusal(*self._refusal))
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if the upgrade had not been offered; RFC 9110 allows it, and it is common."""

    @property
    def is_idle(self) -> bool:
        """Whether it is between two requests, or before the first."""
        return not self._in_head and not self.is_answering

    @property
    def is_answering(self) -> bool:
        """Whether the application has a request whose response is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def drop(self) -> None:
        """Close the connection at once; data that was not sent is lost."""
        self.transport.abort()

    def break_off(self) -> None:
        """Close the connection at once if a response has begun that is not complete."""
        if self.is_answering and self.cycle.response_started:
            self.drop()

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.idle_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Continue to write: the client reads again."""
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
