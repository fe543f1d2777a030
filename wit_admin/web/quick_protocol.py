"""Requests that can be answered from memory are: where they were parsed, without a task.

A task, an ASGI scope and its messages cost several times what such an answer does. Whatever is
unusual about a request, or takes waiting, goes the usual way, as if this file did not exist.
"""

from __future__ import annotations

from wit_admin.web.protocol import GuardedProtocol
from wit_admin.web.questions import Question, Questions, QuickReply, Recall, WholeRequest

_MOST_BYTES = 16 * 1024
"""Of a request's body; those of which the answer is known are far smaller."""
MOST_AHEAD = 32
"""Of requests that were sent ahead: then the clients of other connections have their turn."""


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
        was_between = self._begin_data()
        super().data_received(data)
        if self._held is not None:
            self._hand_over()
        elif self._answered is not None and was_between and self._is_between and self._begun == 1:
            self.questions.keep(data, self._answered)

    def _begin_data(self) -> bool:
        self._begun, self._answered = 0, None
        return self._is_between

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
        self.transport.write(reply.render(self.server_state.default_headers))
        self.on_response_complete()

    def _hand_over(self) -> None:
        held, self._held = self._held, None
        if self.transport.is_closing():
            # What came after could not be read, and was refused.
            return
        super().begin_request()
        if held:
            super().on_body(bytes(held))
