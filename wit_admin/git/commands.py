"""The head of a push: what a client asks ``receive-pack`` to do, before the pack begins.

Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wit_admin.errors import InvalidInputError, TooLargeError
from wit_admin.git.pktline import Mark, Packet, PacketReader

MAX_COMMANDS = 20_000
"""A push may move this many refs."""
MAX_HEAD_BYTES = 8 * 1024 * 1024
"""The head of a push may be this long."""

_COMMAND = re.compile(rb"([0-9a-fA-F]{40}|[0-9a-fA-F]{64}) ([0-9a-fA-F]{40}|[0-9a-fA-F]{64}) (.+)")
_BAD_REF = re.compile(rb"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RefCommand:
    """One wish of a push: move ``ref`` from ``old`` to ``new``; all zeros mean "not there"."""

    old: str
    new: str
    ref: bytes

    @property
    def creates(self) -> bool:
        """The client believes that the ref does not exist yet."""
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        """The ref is to go."""
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class PushRequest:
    """All that stands before the pack.

    Commands of a signed push stand in ``commands`` too, read from its certificate.
    """

    commands: tuple[RefCommand, ...]
    capabilities: frozenset[bytes]
    shallow: tuple[str, ...]
    options: tuple[bytes, ...]
    is_signed: bool
    head_bytes: int
    """Length of the head: the pack, if any, begins at this offset of the request body."""

    @property
    def has_pack(self) -> bool:
        """A pack follows; a push that only deletes sends none."""
        return any(not command.deletes for command in self.commands)

    @property
    def side_band(self) -> bool:
        """The client reads the response on side bands."""
        return b"side-band-64k" in self.capabilities

    @property
    def wants_report(self) -> bool:
        """The response will tell which refs were accepted."""
        return not self.capabilities.isdisjoint((b"report-status", b"report-status-v2"))

    @property
    def is_atomic(self) -> bool:
        """All commands are to succeed, or none."""
        return b"atomic" in self.capabilities


@dataclass(slots=True)
class PushHeadReader:
    """Reads the head of a push from pieces of the request body.

    It keeps the commands, not the body: the caller passes every piece on (or keeps it) itself.
    """

    max_commands: int = MAX_COMMANDS
    max_head_bytes: int = MAX_HEAD_BYTES
    _reader: PacketReader = field(default_factory=PacketReader)
    _commands: list[RefCommand] = field(default_factory=list)
    _capabilities: frozenset[bytes] = frozenset()
    _shallow: list[str] = field(default_factory=list)
    _options: list[bytes] = field(default_factory=list)
    _part: str = "commands"
    _is_signed: bool = False
    _fed: int = 0

    def feed(self, chunk: bytes) -> PushRequest | None:
        """Read on; return the request once its head is whole, and None until then.

        Raises:
            InvalidInputError: The head is malformed, or names a ref no push may touch.
            TooLargeError: It is longer than allowed.
        """
        self._fed += len(chunk)
        self._reader.add(chunk)
        while (packet := self._reader.take()) is not None:
            self._take(packet)
            if self._fed - self._reader.waiting > self.max_head_bytes:
                break
            if self._part == "done":
                return self._request()
        if self._fed - self._reader.waiting > self.max_head_bytes:
            raise TooLargeError(f"The head of a push may hold {self.max_head_bytes} bytes.")
        return None

    def finish(self) -> None:
        """Say that the body ended before :meth:`feed` returned a request.

        Raises:
            InvalidInputError: Always: a push without a whole head is malformed.
        """
        self._reader.finish()
        raise InvalidInputError("The push ends before its list of refs does.")

    def _request(self) -> PushRequest:
        return PushRequest(
            commands=tuple(self._commands),
            capabilities=self._capabilities,
            shallow=tuple(self._shallow),
            options=tuple(self._options),
            is_signed=self._is_signed,
            head_bytes=self._fed - self._reader.waiting,
        )

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Mark):
            self._take_mark(packet)
        elif self._part == "options":
            self._options.append(packet.removesuffix(b"\n"))
        elif self._part == "commands":
            self._take_line(packet)
        else:
            self._take_certificate_line(packet)

    def _take_mark(self, mark: Mark) -> None:
        if mark is not Mark.FLUSH or self._part.startswith("certificate"):
            raise InvalidInputError("The push holds a packet that has no place in it.")
        if self._part == "commands" and self._commands and b"push-options" in self._capabilities:
            self._part = "options"
        else:
            self._part = "done"

    def _take_line(self, packet: bytes) -> None:
        line, nul, capabilities = packet.removesuffix(b"\n").partition(b"\0")
        if nul:
            self._capabilities |= frozenset(capabilities.split())
        if line.startswith(b"shallow "):
            self._shallow.append(_parse_oid(line.removeprefix(b"shallow ")))
        elif line == b"push-cert":
            self._is_signed, self._part = True, "certificate head"
        else:
            self._add_command(line)

    def _take_certificate_line(self, packet: bytes) -> None:
        # Head, an empty line, commands, signature: the client's own text, one line per packet.
        line = packet.removesuffix(b"\n")
        if line == b"push-cert-end":
            self._part = "commands"
        elif self._part == "certificate head" and not line:
            self._part = "certificate commands"
        elif self._part == "certificate commands":
            if _COMMAND.fullmatch(line):
                self._add_command(line)
            else:
                self._part = "certificate signature"

    def _add_command(self, line: bytes) -> None:
        if len(self._commands) >= self.max_commands:
            raise TooLargeError(
                f"One push may move {self.max_commands} refs.", hint="Push in several steps."
            )
        self._commands.append(parse_command(line))


def parse_command(line: bytes) -> RefCommand:
    """Read ``old new ref``, without line end and capabilities.

    Raises:
        InvalidInputError: It has another form, or the ref is none that a push may touch.
    """
    found = _COMMAND.fullmatch(line)
    if not found or len(found[1]) != len(found[2]):
        raise InvalidInputError("The push holds a line that is no ref update.")
    if not is_ref_name(found[3]):
        raise InvalidInputError("The push names a ref whose name git does not allow.")
    return RefCommand(found[1].decode().lower(), found[2].decode().lower(), found[3])


def is_ref_name(ref: bytes) -> bool:
    """Tell whether ``ref`` is a full name below ``refs/``.

    Source: git-check-ref-format(1).
    """
    return ref.startswith(b"refs/") and not _BAD_REF.search(ref)


def _parse_oid(text: bytes) -> str:
    if not re.fullmatch(rb"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", text):
        raise InvalidInputError("The push holds a line that is no object id.")
    return text.decode().lower()
