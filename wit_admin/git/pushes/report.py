"""Parses the status report of ``receive-pack`` while it streams to the client.

Source: gitprotocol-pack(5), "Report Status" and "Report Status v2".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wit_admin.errors import InvalidInputError
from wit_admin.git.pktline import Mark, Packet, PacketReader, write_band, write_packet

MAX_RESULTS = 50_000
"""The most lines to keep; with more the report counts as incomplete."""

_BAND_CONTENT = 1


@dataclass(frozen=True, slots=True)
class RefResult:
    """The result of one command.

    ``refname``, ``old`` and ``new`` are given only where git did something else than asked (a
    proc-receive hook can).
    """

    ref: bytes
    is_accepted: bool
    reason: str = ""
    refname: bytes | None = None
    old: str | None = None
    new: str | None = None
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class PushReport:
    """The report so far; if it is incomplete, refs that it does not name may have moved, too."""

    is_complete: bool
    unpack: str | None
    """``ok``, or the error in the pack; ``None`` if the report ended before that."""
    results: tuple[RefResult, ...]


@dataclass(slots=True)
class ReportReader:
    """Finds the report in the response of ``receive-pack``, in whatever pieces it comes.

    Never raises: bytes that are no report leave it incomplete.
    """

    side_band: bool
    _outer: PacketReader = field(default_factory=PacketReader)
    _inner: PacketReader = field(default_factory=PacketReader)
    _unpack: str | None = None
    _results: list[RefResult] = field(default_factory=list)
    _is_complete: bool = False
    _is_broken: bool = False

    def feed(self, chunk: bytes) -> None:
        """Read a piece of the response."""
        if self._is_broken or self._is_complete:
            return
        try:
            if self.side_band:
                self._feed_bands(chunk)
            else:
                self._feed_lines(chunk)
        except InvalidInputError:
            self._is_broken = True

    def report(self) -> PushReport:
        """Return the report so far."""
        return PushReport(
            is_complete=self._is_complete and not self._is_broken,
            unpack=self._unpack,
            results=tuple(self._results),
        )

    def _feed_bands(self, chunk: bytes) -> None:
        for packet in self._outer.feed(chunk):
            if isinstance(packet, bytes) and packet[:1] == bytes((_BAND_CONTENT,)):
                self._feed_lines(packet[1:])

    def _feed_lines(self, data: bytes) -> None:
        for packet in self._inner.feed(data):
            self._take(packet)
            if self._is_complete:
                return

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Mark):
            self._is_complete = packet is Mark.FLUSH and self._unpack is not None
            return
        word, _, rest = packet.removesuffix(b"\n").partition(b" ")
        if word == b"unpack":
            self._unpack = rest.decode(errors="replace")
        elif word == b"option" and self._results:
            self._results[-1] = _with_option(self._results[-1], rest)
        elif word in {b"ok", b"ng"}:
            self._add(word, rest)

    def _add(self, word: bytes, rest: bytes) -> None:
        if len(self._results) >= MAX_RESULTS:
            self._is_broken = True
            return
        ref, _, reason = rest.partition(b" ")
        accepted = word == b"ok"
        self._results.append(
            RefResult(ref, accepted, "" if accepted else reason.decode(errors="replace"))
        )


def render_acceptance(ref: bytes, *, side_band: bool) -> bytes:
    """Return the report on a push of one ref that is accepted."""
    report = write_packet(b"unpack ok\n") + write_packet(b"ok %b\n" % ref) + Mark.FLUSH.value
    return write_band(1, report) + Mark.FLUSH.value if side_band else report


def render_refusal(reasons: Mapping[bytes, str], message: str | None, *, side_band: bool) -> bytes:
    """Return the report on a push that is refused as a whole, with a reason for each ref.

    Reasons, and ``message``, which is printed above them, are one line each.
    """
    lines = [b"unpack ok\n"]
    lines += [b"ng %b %b\n" % (ref, reason.encode()) for ref, reason in reasons.items()]
    report = b"".join(map(write_packet, lines)) + Mark.FLUSH.value
    if not side_band:
        return report
    shown = b"" if message is None else write_band(2, f"error: {message}\n".encode())
    return shown + write_band(1, report) + Mark.FLUSH.value


def _with_option(result: RefResult, option: bytes) -> RefResult:
    key, _, value = option.partition(b" ")
    match key:
        case b"refname":
            return replace(result, refname=value)
        case b"old-oid":
            return replace(result, old=value.decode(errors="replace"))
        case b"new-oid":
            return replace(result, new=value.decode(errors="replace"))
        case b"forced-update":
            return replace(result, is_forced=True)
        case _:
            return result
