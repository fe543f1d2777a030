"""Requests that can be answered from memory are: where they were parsed, without a task.

A task, an ASGI scope and its messages cost several times what such an answer does. Whatever is
unusual about a request, or takes waiting, goes the usual way, as if this file did not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from wit_admin.web.protocol import GuardedProtocol

_MOST_BYTES = 16 * 1024
"""Of a request's body; those of which the answer is known are far smaller."""
MOST_AHEAD = 32
"""Of requests that were sent ahead: then the clients of other connections have their turn."""
_KEPT, _KEPT_BYTES = 512, 2048
"""How many requests are kept, and of which size."""

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


class Question(Protocol):
    """A request that somebody may know the answer to."""

    @property
    def may_be_kept(self) -> bool:
        """The same bytes ask the same the next time, and are no secret."""

    def answer(self) -> QuickReply | None:
        """Answer without waiting, or leave the request to the application."""


Recall = Callable[[WholeRequest], Question | None]
"""Reads a request; what it cannot make anything of is the application's."""


class Questions(dict[bytes, Question]):
    """Requests that were read before, by all their bytes: clients of a kind send the same ones."""

    def keep(self, data: bytes, question: Question) -> None:
        """Keep one, if it is of the usual size and no secret."""
        if len(data) <= _KEPT_BYTES and question.may_be_kept:
            if len(self) >= _KEPT:
                self.clear()
            self[data] = question


class QuickProtocol(GuardedProtocol):
    """One connection."""

    recall: Recall
    questions: Questions
    """Of all connections of a process."""
    _held: bytearray | None = None
    """The body of a request that nobody has been given yet, as far as it came."""
    _is_between = True
    """What comes next is the beginning of a request."""
    _begun = 0
    """Requests that began within the data at hand."""
    _answered: Question | None = None
    """What was answered last."""

    def data_received(self, data: bytes) -> None:
        """Parse what came; what is not whole by then is the application's."""
        if self._repeat(data):
            return
        was_between = self._begin_data()
        super().data_received(data)
        if self._held is not None:
            self._hand_over()
        elif self._answered is not None and was_between and self._is_between and self._begun == 1:
            self.questions.keep(data, self._answered)

    def _begin_data(self) -> bool:
        self._begun, self._answered = 0, None
        return self._is_between

    def _repeat(self, data: bytes) -> bool:
        """Answer a request, all of which is here, by what was read of the same bytes before."""
        question = self.questions.get(data) if self._is_between else None
        if question is None or self.is_answering or self._cannot_answer():
            return False
        reply = question.answer()
        if reply is None:
            return False
        self._head_is_complete()
        self._write(reply)
        return True

    def on_message_begin(self) -> None:
        """Count it."""
        self._is_between = False
        self._begun += 1
        super().on_message_begin()

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
        self._is_between = True
        if self._held is not None:
            request = WholeRequest(
                self.parser.get_method(), self.url, self.headers, bytes(self._held)
            )
            question = self.recall(request)
            reply = question.answer() if question is not None else None
            if reply is not None:
                self._held, self._answered = None, question
                self._write(reply)
                return
            self._hand_over()
        super().on_message_complete()

    def _cannot_answer(self) -> bool:
        return self.flow.write_paused or self.transport.is_closing()

    def _may_answer(self) -> bool:
        return (
            self._begun <= MOST_AHEAD
            and not self.is_answering
            and not self._cannot_answer()
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
        self.on_response_complete()

    def _hand_over(self) -> None:
        held, self._held = self._held, None
        if self.transport.is_closing():
            # What came after could not be read, and was refused.
            return
        super().begin_request()
        if held:
            super().on_body(bytes(held))
