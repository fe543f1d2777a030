"""A stand-in for the git program on a machine without one: dulwich behind git's command line.

Run as ``upload-pack`` or ``receive-pack``, it answers version 0 of the protocol on its standard
streams as ``git … --stateless-rpc`` does. Slower than git and with fewer abilities; what it
accepts is checked as far as dulwich can. No hook is run.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from dulwich.errors import GitProtocolError, ObjectFormatException
from dulwich.object_store import MissingObjectFinder
from dulwich.objects import ObjectID, ShaFile
from dulwich.protocol import Protocol
from dulwich.refs import DiskRefsContainer, Ref
from dulwich.repo import Repo
from dulwich.server import Backend, ReceivePackHandler, UploadPackHandler

from wit_admin.git.children.environment import HIDDEN_REFS
from wit_admin.git.children.program import own_program

_HIDDEN = tuple(prefix.encode() for prefix in HIDDEN_REFS)
_BROKEN = (GitProtocolError, ObjectFormatException, KeyError, ValueError, zlib.error)

RefCommands = list[tuple[ObjectID, ObjectID, Ref]]


class _Refs(DiskRefsContainer):
    """Refs of which the hidden ones are out of reach, and that say when they did not move."""

    def allkeys(self) -> set[Ref]:
        return {name for name in super().allkeys() if not name.startswith(_HIDDEN)}

    def set_if_equals(self, name: Ref, *values: Any, **facts: Any) -> bool:
        return _moved(name, super().set_if_equals(_allowed(name), *values, **facts))

    def remove_if_equals(self, name: Ref, *values: Any, **facts: Any) -> bool:
        return _moved(name, super().remove_if_equals(_allowed(name), *values, **facts))


def _allowed(name: Ref) -> Ref:
    if name.startswith(_HIDDEN):
        raise OSError(f"{name!r} is hidden")
    return name


def _moved(name: Ref, has_moved: bool) -> bool:  # noqa: FBT001  as dulwich returns it
    if not has_moved:
        # dulwich's server looks for exceptions only, and would report success.
        raise OSError(f"{name!r} has another value by now")
    return True


class _OneRepository(Backend):
    def __init__(self, gitdir: str) -> None:
        self._repo = Repo(gitdir, bare=True)
        self._repo.hooks.clear()
        self._repo.refs = _Refs(self._repo.controldir())

    def open_repository(self, path: str) -> Any:
        return self._repo


class _ReceivePack(ReceivePackHandler):
    """Accepts nothing of which a part is missing or malformed."""

    def _apply_pack(self, refs: RefCommands) -> Iterator[tuple[bytes, bytes]]:
        before = set(self.repo.get_refs().values())
        results = super()._apply_pack(refs)
        unpacked = next(results)
        yield unpacked
        if unpacked[1] != b"ok":
            yield from ((ref, b"unpacker error") for _, _, ref in refs)
            return
        wanted = [new for _, new, _ in refs if new.strip(b"0")]
        complaint = _complaint(self.repo.object_store, before, wanted)
        if complaint is not None:
            yield from ((ref, complaint) for _, _, ref in refs)
            return
        yield from results


def _complaint(store: Any, haves: set[ObjectID], wants: list[ObjectID]) -> bytes | None:
    """Return what is wrong with the objects that lead from ``haves`` to ``wants``."""
    try:
        present = [oid for oid in haves if oid in store]
        for oid, _ in MissingObjectFinder(store, present, wants):
            found: ShaFile = store[oid]
            found.check()
    except KeyError:
        return b"missing necessary objects"
    except ObjectFormatException:
        return b"malformed object"
    return None


def run(command: str, gitdir: str, source: BinaryIO, sink: BinaryIO, *, advertise: bool) -> int:
    """Answer one request; return the exit status."""

    def write(data: bytes) -> None:
        sink.write(data)
        sink.flush()

    handler = {"upload-pack": UploadPackHandler, "receive-pack": _ReceivePack}.get(command)
    if handler is None:
        sys.stderr.write(f"fatal: {command} needs the git program\n")
        return 129
    protocol = Protocol(source.read, write)
    try:
        handler(
            _OneRepository(gitdir),
            [gitdir],
            protocol,
            stateless_rpc=True,
            advertise_refs=advertise,
        ).handle()
    except _BROKEN as error:
        sys.stderr.write(f"fatal: {error}\n")
        return 128
    return 0


def command_line() -> tuple[str, ...]:
    """Return what to put before ``upload-pack`` to run this module in a process of its own."""
    return own_program(__name__, main.__name__)


def main() -> None:
    """Run as the git program would be: ``COMMAND [--OPTION…] GITDIR``."""
    command, *options, gitdir = sys.argv[1:]
    advertise = "--http-backend-info-refs" in options
    os.umask(0o022)
    sys.exit(run(command, gitdir, sys.stdin.buffer, sys.stdout.buffer, advertise=advertise))
