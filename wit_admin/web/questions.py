"""Requests that may be answered from memory, and those that were read before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

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

    def render(self, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return what goes over the wire. Source: RFC 9112."""
        pieces = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in default_headers:
            pieces += (name, b": ", value, b"\r\n")
        pieces += (self.headers, b"content-length: %d\r\n\r\n" % len(self.body), self.body)
        return b"".join(pieces)


class Question(Protocol):
    """A request that may be answered from memory."""

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
