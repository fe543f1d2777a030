"""One HTTP request and its answer, for handlers that stream both."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.types import Message, Receive, Scope, Send

from wit_admin.web.body import ClientGoneError
from wit_admin.web.headers import Headers
from wit_admin.web.problems import Problem

NO_CACHE: tuple[tuple[bytes, bytes], ...] = (
    (b"expires", b"Fri, 01 Jan 1980 00:00:00 GMT"),
    (b"pragma", b"no-cache"),
    (b"cache-control", b"no-cache, max-age=0, must-revalidate"),
)
"""As ``git http-backend`` sends them. Source: git's http-backend.c, hdr_nocache."""


@dataclass(slots=True)
class Exchange:
    """A request with its headers collected, and the answer as far as it was sent."""

    scope: Scope
    receive: Receive
    headers: Headers
    idle_timeout_s: float
    _send: Send
    status: int | None = None
    bytes_out: int = field(default=0)

    @property
    def has_started(self) -> bool:
        """Whether the status line was sent, so that no other can be."""
        return self.status is not None

    async def start(self, status: int, *headers: tuple[bytes, bytes]) -> None:
        """Send the status and the headers; the body follows in pieces."""
        self.status = status
        # This waits only for a client that has not read the answer before; the protocol ends that.
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers]})

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body, and wait while the client is slow.

        Raises:
            ClientGoneError: The client read nothing for longer than it may.
        """
        self.bytes_out += len(chunk)
        await self._put({"type": "http.response.body", "body": chunk, "more_body": True})

    async def finish(self, chunk: bytes = b"") -> None:
        """Send the last piece."""
        self.bytes_out += len(chunk)
        await self._put({"type": "http.response.body", "body": chunk})

    async def reply(self, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
        """Send a whole answer of known length."""
        await self.start(status, (b"content-length", b"%d" % len(body)), *headers)
        await self.finish(b"" if self.scope["method"] == "HEAD" else body)

    async def reply_problem(self, problem: Problem) -> None:
        """Send a failure: a status and a sentence in plain text, which git shows as ``remote:``."""
        await self.reply(
            problem.status,
            problem.message.encode() + b"\n",
            (b"content-type", b"text/plain; charset=utf-8"),
            *NO_CACHE,
            *problem.headers,
        )

    async def _put(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self.idle_timeout_s):
                await self._send(message)
        except (TimeoutError, OSError):
            raise ClientGoneError from None
