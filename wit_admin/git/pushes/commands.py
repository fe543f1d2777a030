"""The head of a push: what a client asks ``receive-pack`` to do, before the pack begins.

Source: gitprotocol-pack(5), "Reference Update Request and Packfile Transfer".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wit_admin.errors import InvalidInputError, TooLargeError
from wit_admin.git.pktline import Mark, Packet, PacketReader
from wit_admin.git.refs.names import is_ref_name

MAX_COMMANDS = 20_000
"""A push may move this many refs."""
MAX_HEAD_BYTES = 8 * 1024 * 1024
"""The head of a push may be this long."""
MAX_REF_BYTES = 512
"""A ref that a push moves may be this long. Databases index it, four times as long at worst."""
MAX_REF_PART_BYTES = 250
"""The same for each part between slashes: file systems take 255, and git adds ``.lock``."""

_COMMAND = re.compile(rb"([0-9a-fA-F]{40}|[0-9a-fA-F]{64}) ([0-9a-fA-F]{40}|[0-9a-fA-F]{64}) (.+)")
_SIGNATURE = re.compile(
    rb"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----", re.MULTILINE
)
"""Where the text of a certificate ends. Source: git's gpg-interface.c."""
_CERTIFICATE = b"push-cert"
_CERTIFICATE_END = b"push-cert-end\n"


@dataclass(frozen=True, slots=True)
class RefCommand:
    """One command of a push: move ``ref`` from ``old`` to ``new``; all zeros mean "not there"."""

    old: str
    new: str
    ref: bytes

    @property
    def creates(self) -> bool:
        """Whether it creates the ref."""
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        """Whether it deletes the ref."""
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class PushRequest:
    """Everything in a push before the pack.

    The commands of a signed push are in ``commands``, too, as read from its certificate.
    """

    commands: tuple[RefCommand, ...]
    capabilities: frozenset[bytes]
    shallow: tuple[str, ...]
    options: tuple[bytes, ...]
    is_signed: bool
    head_bytes: int
    """Length of the head: the pack, if any, begins at this offset of the request body."""

    @property
    def side_band(self) -> bool:
        """Whether the client reads the response on side bands."""
        return b"side-band-64k" in self.capabilities

    @property
    def wants_report(self) -> bool:
        """Whether the response has to report which refs were accepted."""
        return not self.capabilities.isdisjoint((b"report-status", b"report-status-v2"))

    @property
    def is_atomic(self) -> bool:
        """Whether all commands must succeed, or none."""
        return b"atomic" in self.capabilities


@dataclass(slots=True)
class PushHeadReader:
    """Reads the head of a push from pieces of the request body.

    It keeps the commands, not the body: the caller must keep or pass on every piece.
    """

    _reader: PacketReader = field(default_factory=PacketReader)
    _commands: list[RefCommand] = field(default_factory=list)
    _capabilities: frozenset[bytes] = frozenset()
    _shallow: list[str] = field(default_factory=list)
    _options: list[bytes] = field(default_factory=list)
    _part: str = "commands"
    _certificate: bytearray | None = None
    _refs: set[bytes] = field(default_factory=set)
    _fed: int = 0

    def feed(self, chunk: bytes) -> PushRequest | None:
        """Read a piece; return the request once its head is complete, and ``None`` until then.

        Raises:
            InvalidInputError: The head is malformed, or names a ref no push may touch.
            TooLargeError: It is longer than allowed.
        """
        self._fed += len(chunk)
        self._reader.add(chunk)
        while (packet := self._reader.take()) is not None:
            self._take(packet)
            if self._fed - self._reader.waiting > MAX_HEAD_BYTES:
                break
            if self._part == "done":
                return self._request()
        if self._fed - self._reader.waiting > MAX_HEAD_BYTES:
            raise TooLargeError(f"The head of a push may have at most {MAX_HEAD_BYTES} bytes.")
        return None

    def finish(self) -> None:
        """End the body, although :meth:`feed` has not returned a request.

        Raises:
            InvalidInputError: Always: a push without a whole head is malformed.
        """
        self._reader.finish()
        raise InvalidInputError("The push ends before its list of refs does.")

    def _request(self) -> PushRequest:
        if self._certificate:
            if self._commands:
                raise InvalidInputError("The push holds commands outside its certificate.")
            for line in certified_commands(bytes(self._certificate)):
                self._add_command(line)
        return PushRequest(
            commands=tuple(self._commands),
            capabilities=self._capabilities,
            shallow=tuple(self._shallow),
            options=tuple(self._options),
            is_signed=self._certificate is not None,
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
        if mark is not Mark.FLUSH or self._part == "certificate":
            raise InvalidInputError("The push holds a packet that has no place in it.")
        has_commands = bool(self._commands or self._certificate)
        if self._part == "commands" and has_commands and b"push-options" in self._capabilities:
            self._part = "options"
        else:
            self._part = "done"

    def _take_line(self, packet: bytes) -> None:
        if packet.startswith(b"shallow "):
            line, _, _ = packet.removesuffix(b"\n").partition(b"\0")
            self._shallow.append(_parse_oid(line.removeprefix(b"shallow ")))
            return
        line, nul, capabilities = packet.removesuffix(b"\n").partition(b"\0")
        if nul:
            self._capabilities |= _parse_capabilities(capabilities)
        if line == _CERTIFICATE:
            self._certificate, self._part = self._certificate or bytearray(), "certificate"
        else:
            self._add_command(line)

    def _take_certificate_line(self, packet: bytes) -> None:
        # git ignores packet boundaries, and what follows a NUL in a packet.
        if packet == _CERTIFICATE_END:
            self._part = "commands"
        elif self._certificate is not None:
            self._certificate += packet.partition(b"\0")[0]

    def _add_command(self, line: bytes) -> None:
        if len(self._commands) >= MAX_COMMANDS:
            raise TooLargeError(
                f"One push may move at most {MAX_COMMANDS} refs.",
                hint="Push in several steps.",
            )
        command = parse_command(line)
        if self._commands and len(command.new) != len(self._commands[0].new):
            raise InvalidInputError("The push mixes object ids of two lengths.")
        if command.ref in self._refs:
            raise InvalidInputError("The push names a ref twice.")
        self._refs.add(command.ref)
        self._commands.append(command)


def certified_commands(certificate: bytes) -> list[bytes]:
    """Return the lines of commands in the text of a push certificate.

    Source: git's builtin/receive-pack.c, ``queue_commands_from_cert``.

    Raises:
        InvalidInputError: It has no empty line, behind which they stand.
    """
    head, blank, text = certificate.partition(b"\n\n")
    if not blank:
        raise InvalidInputError("The push certificate has no end of its head.")
    # The last signature counts, and git looks for it from the beginning of the whole text.
    starts = [found.start() for found in _SIGNATURE.finditer(certificate)]
    end = starts[-1] if starts else len(certificate)
    text = certificate[len(head) + len(blank) : end]
    return text.removesuffix(b"\n").split(b"\n") if text else []


def parse_command(line: bytes) -> RefCommand:
    """Read ``old new ref``, without line end and capabilities.

    Raises:
        InvalidInputError: It has another form, or the ref is none that a push may touch.
    """
    found = _COMMAND.fullmatch(line)
    if not found or len(found[1]) != len(found[2]):
        raise InvalidInputError("The push holds a line that is not a ref update.")
    if not is_ref_name(found[3]):
        raise InvalidInputError("The push names a ref whose name git does not allow.")
    if len(found[3]) > MAX_REF_BYTES or max(map(len, found[3].split(b"/"))) > MAX_REF_PART_BYTES:
        raise InvalidInputError("The push names a ref whose name is too long.")
    return RefCommand(found[1].decode().lower(), found[2].decode().lower(), found[3])


def _parse_capabilities(text: bytes) -> frozenset[bytes]:
    """Return each one as it is, and those with a value by their bare name as well.

    git takes ``atomic=1`` for ``atomic``. Source: git's connect.c, ``parse_feature_value``.
    """
    # git itself begins the list with a space.
    words = re.split(rb"[ \t\n\r]+", text.partition(b"\0")[0].strip(b" \t\n\r"))
    return frozenset(words) | {word.partition(b"=")[0] for word in words}


def _parse_oid(text: bytes) -> str:
    if not re.fullmatch(rb"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", text):
        raise InvalidInputError("The push holds a line that is not an object id.")
    return text.decode().lower()
