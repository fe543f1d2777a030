"""Ref advertisements of protocol version 0 and 1, and the answer to ``ls-refs`` of version 2.

Capabilities are not made up here: they are cut out of git's own advertisement, so that what is
promised is what the git that answers next can do.
Source: gitprotocol-pack(5), "Reference Discovery"; gitprotocol-v2(5), "ls-refs"; git's
upload-pack.c, builtin/receive-pack.c and ls-refs.c for the order of things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wit_admin.errors import InvalidInputError
from wit_admin.git.pktline import Mark, Packet, read_packets, write_packet
from wit_admin.git.refs.cache import RefSnapshot, ShownRef

_NO_DONE = b" no-done"
_KNOWN_CAPABILITIES = (b"agent=", b"session-id=")
_ARGUMENTS = {b"peel": "peel", b"symrefs": "symrefs", b"unborn": "unborn"}
_PREFIX = b"ref-prefix "
_MAX_PREFIXES = 1024
_SYMREF = re.compile(rb" ?symref=[^ ]+")
_FIRST_LINE = re.compile(rb"[0-9a-f]{40} [^\0]+\0([^\n]*)")


def read_capabilities(advertisement: bytes) -> bytes:
    """Return the capabilities in the first ref line of an advertisement, but for symbolic refs.

    Raises:
        InvalidInputError: There is no ref line with capabilities in it.
    """
    for packet in read_packets(advertisement):
        if isinstance(packet, bytes) and (found := _FIRST_LINE.match(packet)):
            return _SYMREF.sub(b"", found[1])
    raise InvalidInputError("The advertisement holds no capabilities.")


def render_upload_pack(snapshot: RefSnapshot, capabilities: bytes) -> bytes:
    """Render what version 0 of ``upload-pack`` advertises of at least one ref, flush included."""
    head = snapshot.head
    if head is not None and head.symref_target is not None:
        symref = b" symref=HEAD:" + head.symref_target
        # Where git puts it; in the end it would do as well.
        before, no_done, after = capabilities.partition(_NO_DONE)
        capabilities = before + no_done + symref + after
    shown = (head, *snapshot.refs) if head is not None else snapshot.refs
    return _render_lines(_with_peeled(shown), capabilities)


def render_receive_pack(snapshot: RefSnapshot, capabilities: bytes) -> bytes:
    """Render what ``receive-pack`` advertises of at least one ref, flush included."""
    return _render_lines(((ref.oid, ref.name) for ref in snapshot.refs), capabilities)


def _with_peeled(refs: Iterable[ShownRef]) -> Iterator[tuple[bytes, bytes]]:
    for ref in refs:
        yield ref.oid, ref.name
        if ref.peeled:
            yield ref.peeled, ref.name + b"^{}"


def _render_lines(lines: Iterable[tuple[bytes, bytes]], capabilities: bytes) -> bytes:
    parts: list[bytes] = []
    for oid, name in lines:
        end = b"" if parts else b"\0" + capabilities
        parts.append(write_packet(b"%b %b%b\n" % (oid, name, end)))
    return b"".join(parts) + Mark.FLUSH.value


@dataclass(frozen=True, slots=True)
class LsRefs:
    """A request of the command ``ls-refs``."""

    peel: bool = False
    symrefs: bool = False
    unborn: bool = False
    prefixes: tuple[bytes, ...] = ()
    """Only refs that begin with one of these; all, if empty."""


def parse_ls_refs(body: bytes) -> LsRefs | None:
    """Read a request of version 2; ``None`` if it is another command or has anything unusual."""
    if not body[4:].startswith(b"command=ls-refs"):
        return None
    try:
        packets = read_packets(body)
    except InvalidInputError:
        return None
    if len(packets) < 2 or packets[-1] is not Mark.FLUSH:  # noqa: PLR2004  command and flush
        return None
    *content, _ = packets
    at = content.index(Mark.DELIM) if Mark.DELIM in content else len(content)
    if not all(_is_usual_capability(packet) for packet in content[:at]):
        return None
    return _parse_arguments(content[at + 1 :])


def _is_usual_capability(packet: Packet) -> bool:
    if not isinstance(packet, bytes):
        return False
    line = packet.removesuffix(b"\n")
    return line in {b"command=ls-refs", b"object-format=sha1"} or line.startswith(
        _KNOWN_CAPABILITIES
    )


def _parse_arguments(packets: list[Packet]) -> LsRefs | None:
    flags: dict[str, bool] = {}
    prefixes = []
    for packet in packets:
        if not isinstance(packet, bytes):
            return None
        line = packet.removesuffix(b"\n")
        if line.startswith(_PREFIX):
            prefixes.append(line.removeprefix(_PREFIX))
        elif line in _ARGUMENTS:
            flags[_ARGUMENTS[line]] = True
        else:
            return None
    if len(prefixes) > _MAX_PREFIXES:
        return None
    return LsRefs(**flags, prefixes=tuple(prefixes))


def render_ls_refs(snapshot: RefSnapshot, request: LsRefs) -> bytes:
    """Render the answer to ``ls-refs``, flush included."""
    parts = []
    for ref in _listed(snapshot, request):
        # Of most there is no more to say; a repository may have very many.
        more = b""
        if request.symrefs and ref.symref_target is not None:
            more = b" symref-target:" + ref.symref_target
        if request.peel and ref.peeled:
            more += b" peeled:" + ref.peeled
        parts.append(write_packet(b"%b %b%b\n" % (ref.oid, ref.name, more)))
    return b"".join(parts) + Mark.FLUSH.value


def _listed(snapshot: RefSnapshot, request: LsRefs) -> list[ShownRef]:
    head, prefixes = snapshot.head, request.prefixes
    if head is None and request.unborn and request.symrefs and snapshot.unborn_head is not None:
        head = ShownRef(b"HEAD", b"unborn", b"", snapshot.unborn_head)
    shown = [*snapshot.refs] if head is None else [head, *snapshot.refs]
    return [ref for ref in shown if ref.name.startswith(prefixes)] if prefixes else shown
