"""Pkt-lines: the framing of git's wire protocol, parsed incrementally and written.

A data packet is ``bytes``; the three packets without content are members of :class:`Mark`.
Source: gitprotocol-common(5), pkt-line format; gitprotocol-v2(5), special packets.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from functools import lru_cache

from wit_admin.errors import InvalidInputError

MAX_PACKET = 65520
"""The longest packet in bytes, including its four digits of length."""
MAX_DATA = MAX_PACKET - 4
"""The longest content of one packet."""

_DIGITS = 4
_BAND_DATA = MAX_DATA - 1
_UNFINISHED = "The request ends in the middle of a packet."
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Mark(enum.Enum):
    """A packet without content."""

    FLUSH = b"0000"
    DELIM = b"0001"
    RESPONSE_END = b"0002"


_MARKS = {mark.value: mark for mark in Mark}

Packet = bytes | Mark


class PacketReader:
    """Cuts a stream of bytes into packets; holds at most one unfinished packet.

    Feed it and take packets until it is empty; what was not taken stays, so a caller may stop
    at a flush and pass :attr:`rest` to the reader of what follows.
    """

    __slots__ = ("_buffer", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0

    def feed(self, chunk: bytes) -> Iterator[Packet]:
        """Add ``chunk`` and yield every packet that is now whole.

        Raises:
            InvalidInputError: Four bytes that are no length, or a length over the limit.
        """
        self.add(chunk)
        while (packet := self.take()) is not None:
            yield packet

    def add(self, chunk: bytes) -> None:
        """Add bytes without reading them yet."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += chunk

    def take(self) -> Packet | None:
        """Return the next whole packet, or None when more bytes are needed.

        Raises:
            InvalidInputError: As for :meth:`feed`.
        """
        start, have = self._start, len(self._buffer) - self._start
        if have < _DIGITS:
            return None
        digits = bytes(self._buffer[start : start + _DIGITS])
        length = _packet_length(digits)
        if length < _DIGITS:
            self._start += _DIGITS
            return _MARKS[digits]
        if have < length:
            return None
        self._start += length
        return bytes(self._buffer[start + _DIGITS : start + length])

    @property
    def rest(self) -> bytes:
        """The bytes that no packet has taken yet."""
        return bytes(self._buffer[self._start :])

    @property
    def waiting(self) -> int:
        """The number of bytes that no packet has taken yet."""
        return len(self._buffer) - self._start

    def finish(self) -> None:
        """End the stream: no more bytes come.

        Raises:
            InvalidInputError: The stream ends inside a packet.
        """
        if self.waiting:
            raise InvalidInputError(_UNFINISHED)


@lru_cache(maxsize=1024)
def _packet_length(digits: bytes) -> int:
    if not _HEX.issuperset(digits):
        raise InvalidInputError("The request holds four bytes that are not a packet length.")
    length = int(digits, 16)
    if length == _DIGITS - 1 or length > MAX_PACKET:
        raise InvalidInputError(f"The request holds a packet of impossible length {length}.")
    return length


def read_packets(data: bytes) -> list[Packet]:
    """Cut a whole message into packets.

    Raises:
        InvalidInputError: It is malformed or ends inside a packet.
    """
    packets, at, end = list[Packet](), 0, len(data)
    while at < end:
        digits = data[at : at + _DIGITS]
        length = _packet_length(digits) if len(digits) == _DIGITS else end
        if at + max(length, _DIGITS) > end:
            raise InvalidInputError(_UNFINISHED)
        if length < _DIGITS:
            packets.append(_MARKS[digits])
            at += _DIGITS
        else:
            packets.append(data[at + _DIGITS : at + length])
            at += length
    return packets


def write_packet(data: bytes) -> bytes:
    """Frame ``data`` as one packet.

    Raises:
        ValueError: It is longer than :data:`MAX_DATA`; the caller must split it.
    """
    if len(data) > MAX_DATA:
        raise ValueError(f"{len(data)} bytes do not fit into one packet")
    return b"%04x%b" % (len(data) + _DIGITS, data)


def write_error(message: str) -> bytes:
    """Frame an ``ERR`` packet, which a git client prints as ``remote error: message``."""
    return write_packet(b"ERR " + message.encode()[: MAX_DATA - 4])


def write_band(band: int, data: bytes) -> bytes:
    """Frame ``data`` for side band 1 (content), 2 (progress) or 3 (error), split as needed."""
    view, parts = memoryview(data), list[bytes | memoryview]()
    for start in range(0, len(data), _BAND_DATA):
        piece = view[start : start + _BAND_DATA]
        parts += (b"%04x%c" % (len(piece) + _DIGITS + 1, band), piece)
    # Packs pass through here: they are copied once.
    return b"".join(parts)
