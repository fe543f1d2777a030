"""Streams a request body in decoded chunks, with limits on its size and on silence."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import Receive

from wit_admin.errors import InvalidInputError, TooLargeError, UnavailableError
from wit_admin.web.headers import Headers
from wit_admin.web.problems import Problem

DECODED_CHUNK_BYTES = 256 * 1024
"""The most bytes that one step of decompression returns, however well the body is compressed."""

_GZIP_WBITS = 31


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits on the size of a body, and on the time that a client may stay silent within it."""

    max_bytes: int
    idle_timeout_s: float


async def read_body(receive: Receive, headers: Headers, limits: BodyLimits) -> AsyncIterator[bytes]:
    """Yield the decoded body in chunks of at most :data:`DECODED_CHUNK_BYTES` or as received.

    Raises:
        Problem: 415 for an encoding other than gzip, 408 for a silent client.
        InvalidInputError: The gzip stream is corrupt or ends early.
        TooLargeError: More than ``limits.max_bytes``, before or after decoding.
        ClientGoneError: The client hung up.
    """
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    announced = headers.get(b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > limits.max_bytes:
        raise _too_large(limits)
    raw = _receive_chunks(receive, limits)
    if encoding in {b"identity", b""}:
        decoded = raw
    elif encoding in {b"gzip", b"x-gzip"}:
        decoded = _gunzip(raw)
    else:
        raise Problem(415, "Only gzip is understood as the content encoding of a git request.")
    total = 0
    async for chunk in decoded:
        total += len(chunk)
        if total > limits.max_bytes:
            raise _too_large(limits)
        yield chunk


async def read_whole(chunks: AsyncIterator[bytes]) -> bytes:
    """Return a whole body; its limits must keep it small."""
    return b"".join([chunk async for chunk in chunks])


@dataclass(slots=True)
class MemoryBudget:
    """The memory that the bodies of all requests together may take."""

    free_bytes: int

    @asynccontextmanager
    async def hold_whole(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield a whole body; it counts against the budget until the caller is done.

        Raises:
            UnavailableError: Other requests have used the budget up.
        """
        body = bytearray()
        try:
            async for chunk in chunks:
                if len(chunk) > self.free_bytes:
                    raise UnavailableError("The server is busy with other large requests.")
                self.free_bytes -= len(chunk)
                body += chunk
            yield bytes(body)
        finally:
            self.free_bytes += len(body)


async def _receive_chunks(receive: Receive, limits: BodyLimits) -> AsyncIterator[bytes]:
    total = 0
    while True:
        try:
            async with asyncio.timeout(limits.idle_timeout_s):
                message = await receive()
        except TimeoutError:
            raise Problem(408, "The request body stopped coming.") from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        total += len(chunk)
        if total > limits.max_bytes:
            raise _too_large(limits)
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


async def _gunzip(raw: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    decoder = zlib.decompressobj(_GZIP_WBITS)
    async for chunk in raw:
        pending, plain = chunk, b""
        # After a full chunk the decompressor may hold more, although it has taken all input.
        while pending or len(plain) == DECODED_CHUNK_BYTES:
            if decoder.eof and pending:
                raise InvalidInputError("The gzip body has bytes after its end.")
            try:
                plain = decoder.decompress(pending, DECODED_CHUNK_BYTES)
            except zlib.error as error:
                raise InvalidInputError("The gzip body is corrupt.") from error
            pending = decoder.unconsumed_tail or decoder.unused_data
            if plain:
                yield plain
    # A gzip stream that inflates without end is cut by the limit above; one that stops short of
    # its trailer was truncated on the way.
    if not decoder.eof:
        raise InvalidInputError("The gzip body ends too early.")


def _too_large(limits: BodyLimits) -> TooLargeError:
    return TooLargeError(f"The request body is larger than {limits.max_bytes} bytes.")
