"""Replaces "hook declined" in git's report on a push by the reasons.

Progress passes at once; the report itself is held back until it is whole, which is when git sends
it anyway. Source: gitprotocol-pack(5), "Report Status"; git's builtin/receive-pack.c, ``report``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wit_admin.errors import InvalidInputError
from wit_admin.git.pktline import Mark, PacketReader, write_band, write_packet

_CONTENT = b"\x01"
_DECLINED = b"pre-receive hook declined"
_REASONS = (b"hook declined", _DECLINED)
_WITH_OTHERS = b"atomic push failure"


@dataclass(slots=True)
class ReportRewriter:
    """Rewrites one answer of ``receive-pack``, in whatever pieces it comes."""

    side_band: bool
    refusals: Mapping[bytes, str]
    """What to say behind each ref; it may grow until the report comes."""
    is_atomic: bool
    _outer: PacketReader = field(default_factory=PacketReader)
    _report: bytearray = field(default_factory=bytearray)
    _is_foreign: bool = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be passed on by now."""
        if self._is_foreign:
            return chunk
        if not self.side_band:
            self._report += chunk
            return b""
        try:
            return b"".join(self._take(packet) for packet in self._outer.feed(chunk))
        except InvalidInputError:
            # This is no answer to a push: whatever it is, it goes as it came.
            self._is_foreign = True
            return bytes(self._report) + self._outer.rest

    def finish(self) -> bytes:
        """Return what was held back, after the last piece."""
        if self._is_foreign:
            return b""
        if self.side_band:
            return write_band(1, bytes(self._report)) + self._outer.rest
        return self._rewritten()

    def _take(self, packet: bytes | Mark) -> bytes:
        if isinstance(packet, Mark):
            report = write_band(1, self._rewritten())
            self._report.clear()
            return report + packet.value
        if packet[:1] == _CONTENT and len(packet) > 1:
            self._report += packet[1:]
            return b""
        return write_packet(packet)

    def _rewritten(self) -> bytes:
        reader, lines = PacketReader(), bytearray()
        try:
            for packet in reader.feed(bytes(self._report)):
                lines += packet.value if isinstance(packet, Mark) else self._line(packet)
        except InvalidInputError:
            return bytes(self._report)
        return bytes(lines) + reader.rest

    def _line(self, packet: bytes) -> bytes:
        word, _, rest = packet.removesuffix(b"\n").partition(b" ")
        ref, _, reason = rest.partition(b" ")
        if word != b"ng" or reason not in _REASONS:
            return write_packet(packet)
        told = self.refusals.get(ref)
        if told is not None:
            reason = told.encode()
        elif self.is_atomic and self.refusals:
            reason = _WITH_OTHERS
        return write_packet(b"ng %b %b\n" % (ref, reason))
