"""The types of responses from the caches: request, lookup, response; and a cache of lookups.

:mod:`wit_admin.web` tells where these stand among the ways to answer a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

_MAX_LOOKUPS = 512
_MAX_REQUEST_BYTES = 2048

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """A request that was received and parsed, with all of its body."""

    method: bytes
    url: bytes
    headers: RawHeaders
    """Their names in lower case, in the order received."""
    body: bytes


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A response of status 200."""

    headers: bytes
    """Lines, each with its end; the protocol adds those on connection and length."""
    body: bytes

    def render(self, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return the bytes of the whole response. Source: RFC 9112."""
        pieces = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in default_headers:
            pieces += (name, b": ", value, b"\r\n")
        pieces += (self.headers, b"content-length: %d\r\n\r\n" % len(self.body), self.body)
        return b"".join(pieces)


class CacheLookup(Protocol):
    """What to look for in the caches to answer one request; may be used again and again."""

    @property
    def is_reusable(self) -> bool:
        """Whether the same bytes mean the same the next time, and hold no secret."""

    def find_response(self) -> CachedResponse | None:
        """Return the response, or ``None`` if the application has to make it. Never waits."""


ReadLookup = Callable[[CompleteRequest], CacheLookup | None]
"""Turns a request into a lookup; ``None`` if only the application can answer such a request."""


class LookupCache(dict[bytes, CacheLookup]):
    """Lookups by the raw bytes of their request: clients of a kind send identical requests."""

    def add(self, request: bytes, lookup: CacheLookup) -> None:
        """Keep a lookup, if its request is of the usual size and holds no secret."""
        if len(request) <= _MAX_REQUEST_BYTES and lookup.is_reusable:
            if len(self) >= _MAX_LOOKUPS:
                self.clear()
            self[request] = lookup
