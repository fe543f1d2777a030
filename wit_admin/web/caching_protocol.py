"""Parses requests, and answers them from the caches if it can, without the application.

A task, an ASGI scope and its messages cost several times as much as a response from a cache. A
request that is unusual in any way, or has no cached response, goes to the application as if this
file did not exist. :mod:`wit_admin.web` describes the parts before and after this one.
"""

from __future__ import annotations

from wit_admin.web.cached_responses import (
    CachedResponse,
    CacheLookup,
    CompleteRequest,
    LookupCache,
    ReadLookup,
)
from wit_admin.web.strict_protocol import StrictProtocol

_MAX_BODY_BYTES = 16 * 1024
"""Requests that a cache can answer are far smaller."""
MAX_PIPELINED = 32
"""The most requests that are answered in one go; then other connections have a turn."""


class CachingProtocol(StrictProtocol):
    """One connection, which is parsed, and answered from the caches if possible."""

    read_lookup: ReadLookup
    lookups: LookupCache
    """Shared by all connections of a process."""
    _held_body: bytearray | None = None
    """The body so far, while the request is held back from the application."""
    _is_between_requests = True
    _begun = 0
    """The number of requests that began in the data of this call."""
    _answered: CacheLookup | None = None
    """The lookup that answered the last request in the data of this call."""

    def data_received(self, data: bytes) -> None:
        """Parse data; a request that is incomplete after that goes to the application."""
        was_between_requests = self._begin_data()
        super().data_received(data)
        if self._held_body is not None:
            self._pass_on()
        elif self._answered is not None and was_between_requests and self._is_one_request:
            self.lookups.add(data, self._answered)

    def _begin_data(self) -> bool:
        self._begun, self._answered = 0, None
        return self._is_between_requests

    @property
    def _is_one_request(self) -> bool:
        return self._is_between_requests and self._begun == 1

    def on_message_begin(self) -> None:
        """Count the requests that arrive in one piece of data."""
        self._is_between_requests = False
        self._begun += 1
        super().on_message_begin()

    def begin_request(self) -> None:
        """Hold the request back until it is complete, if a cache may answer it."""
        # The cached response to the request before it may have set this.
        self._unset_keepalive_if_required()
        if self._may_answer():
            self._held_body = bytearray()
        else:
            super().begin_request()

    def on_body(self, body: bytes) -> None:
        """Collect the body of a request that is held back."""
        if self._held_body is None:
            super().on_body(body)
            return
        self._held_body += body
        if len(self._held_body) > _MAX_BODY_BYTES:
            self._pass_on()

    def on_message_complete(self) -> None:
        """Answer from the caches, or pass the request on."""
        self._is_between_requests = True
        if self._held_body is not None:
            request = CompleteRequest(
                self.parser.get_method(), self.url, self.headers, bytes(self._held_body)
            )
            lookup = self.read_lookup(request)
            response = lookup.find_response() if lookup is not None else None
            if response is not None:
                self._held_body, self._answered = None, lookup
                self._write(response)
                return
            self._pass_on()
        super().on_message_complete()

    def _cannot_answer(self) -> bool:
        return self.flow.write_paused or self.transport.is_closing()

    def _may_answer(self) -> bool:
        return (
            self._begun <= MAX_PIPELINED
            and not self.is_answering
            and not self._cannot_answer()
            and not self.expect_100_continue
            # Any other target may turn out to be invalid, which this path would not notice.
            and self.url.startswith(b"/")
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and self.parser.get_http_version() == "1.1"
        )

    def _write(self, response: CachedResponse) -> None:
        self.transport.write(response.render(self.server_state.default_headers))
        self.on_response_complete()

    def _pass_on(self) -> None:
        """Pass the request, as far as it has arrived, to the application."""
        held, self._held_body = self._held_body, None
        if self.transport.is_closing():
            # The data after it was invalid, and the request was refused.
            return
        super().begin_request()
        if held:
            super().on_body(bytes(held))
