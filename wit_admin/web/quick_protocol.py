"""Requests that can be answered from memory are: where they were parsed, without a task.

A task, an ASGI scope and its messages cost several times what such an answer does. Whatever is
unusual about a request, or takes waiting, goes the usual way, as if this file did not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from wit_admin.web.protocol import GuardedProtocol

_MOST_BYTES = 16 * 1024
"""Of a request's body; those of which the answer is known are far smaller."""
MOST_AHEAD = 32
"""Of requests that were sent ahead: then the clients of other connections have their turn."""

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class WholeRequest:
    """A request of which everything is here."""

    method: bytes
    url: bytes
    headers: RawHeaders
    """Their names in lower case, as they came."""
    body: bytes


@dataclass(frozen=True, slots=True)
class QuickReply:
    """An answer of status 200."""

    headers: bytes
    """Lines, each with its end; those on connection and length are the protocol's."""
    body: bytes


Recall = Callable[[WholeRequest], QuickReply | None]
"""Answers without waiting, or leaves the request to the application."""


class QuickProtocol(GuardedProtocol):
    """One connection."""

    recall: Recall
    _held: bytearray | None = None
    """The body of a request that nobody has been given yet, as far as it came."""
    _answered = 0
    """How many requests of the data at hand."""

    def data_received(self, data: bytes) -> None:
        """Parse what came; what is not whole by then is the application's."""
        self._answered = 0
        super().data_received(data)
        if self._held is not None:
            self._hand_over()

    def begin_request(self) -> None:
        """Wait for the end of a request which may be one to answer here."""
        # An answer from memory before this request may have set it, within the same data.
        self._unset_keepalive_if_required()
        if self._may_answer():
            self._held = bytearray()
        else:
            super().begin_request()

    def on_body(self, body: bytes) -> None:
        """Keep a small body."""
        if self._held is None:
            super().on_body(body)
            return
        self._held += body
        if len(self._held) > _MOST_BYTES:
            self._hand_over()

    def on_message_complete(self) -> None:
        """Answer, or hand the request over."""
        if self._held is not None:
            request = WholeRequest(
                self.parser.get_method(), self.url, self.headers, bytes(self._held)
            )
            reply = self.recall(request)
            if reply is not None:
                self._held = None
                self._write(reply)
                return
            self._hand_over()
        super().on_message_complete()

    def _may_answer(self) -> bool:
        return (
            self._answered < MOST_AHEAD
            and not self.is_answering
            and not self.flow.write_paused
            and not self.expect_100_continue
            # Other targets may turn out to be unreadable, and the parser would not learn of it.
            and self.url.startswith(b"/")
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and self.parser.get_http_version() == "1.1"
        )

    def _write(self, reply: QuickReply) -> None:
        pieces = [STATUS_LINE[200]]
        for name, value in self.server_state.default_headers:
            pieces += (name, b": ", value, b"\r\n")
        pieces += (reply.headers, b"content-length: %d\r\n\r\n" % len(reply.body), reply.body)
        self.transport.write(b"".join(pieces))
        self._answered += 1
        self.on_response_complete()

    def _hand_over(self) -> None:
        held, self._held = self._held, None
        if self.transport.is_closing():
            # What came after could not be read, and was refused.
            return
        super().begin_request()
        if held:
            super().on_body(bytes(held))
