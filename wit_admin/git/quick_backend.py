"""Answers without a process: advertisements, ``ls-refs``, and pushes of a few plain objects.

Each clone begins with the first two, and a fetch that finds nothing new consists of them. All else
is the work of the backend behind.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git import storage
from wit_admin.git.advertisement import (
    parse_ls_refs,
    read_capabilities,
    render_ls_refs,
    render_receive_pack,
    render_upload_pack,
)
from wit_admin.git.backend import Backend, FetchAnswer, PushProcess
from wit_admin.git.commands import PushRequest
from wit_admin.git.pktline import write_packet
from wit_admin.git.quick_push import push_quickly
from wit_admin.git.ref_cache import RefCache, RefSnapshot
from wit_admin.git.ref_move import Committer
from wit_admin.git.refs import NotPlainError

_V2 = 2


@dataclass(frozen=True, slots=True)
class _Sample:
    """What git itself advertises of an empty repository, and of one with a ref."""

    empty: bytes
    capabilities: bytes


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """An answer that is there already."""

    body: bytes
    was_clone: bool = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield it."""
        yield self.body

    def complaint(self) -> str:
        """Return nothing: only what was understood is answered here."""
        return ""


class QuickBackend:
    """Stands before another backend and spares it what can be answered from the refs alone."""

    def __init__(self, behind: Backend, *, takes_pushes: bool) -> None:
        self._behind = behind
        self._takes_pushes = takes_pushes
        self._refs = RefCache()
        self._samples: dict[tuple[str, int], _Sample] = {}

    @property
    def newest_protocol(self) -> int:
        """As new as the backend behind."""
        return self._behind.newest_protocol

    async def advertise(self, command: str, gitdir: Path | None, version: int) -> bytes:
        """Return the body of ``info/refs``."""
        version = min(version, self.newest_protocol)
        sample = await self._sample(command, version)
        if gitdir is None:
            return sample.empty
        snapshot = await self._snapshot(gitdir)
        if snapshot is None:
            return await self._behind.advertise(command, gitdir, version)
        is_v2 = command == "upload-pack" and version >= _V2
        if is_v2 or not (snapshot.refs or (snapshot.head and command == "upload-pack")):
            return sample.empty
        key = f"{command} {version}".encode()
        return snapshot.rendered.get(key) or snapshot.remember(
            key, _render(command, version, snapshot, sample.capabilities)
        )

    @asynccontextmanager
    async def fetch(self, gitdir: Path, body: bytes, version: int) -> AsyncIterator[FetchAnswer]:
        """Answer one request of ``upload-pack``."""
        version = min(version, self.newest_protocol)
        listed = await self._list_refs(gitdir, body) if version >= _V2 else None
        if listed is not None:
            yield ReadyAnswer(listed)
            return
        async with self._behind.fetch(gitdir, body, version) as answer:
            yield answer

    def push_at_once(
        self, gitdir: Path, request: PushRequest, body: bytes, extra: Mapping[str, str]
    ) -> bytes | None:
        """Carry out a push of a few plain objects onto a branch."""
        if not self._takes_pushes:
            return None
        who = Committer(extra["GIT_COMMITTER_NAME"], extra["GIT_COMMITTER_EMAIL"])
        try:
            return push_quickly(gitdir, request, body, self._refs.get(gitdir), who)
        except NotPlainError:
            return None

    def push(
        self, gitdir: Path, extra: Mapping[str, str]
    ) -> AbstractAsyncContextManager[PushProcess]:
        """Start ``receive-pack``."""
        return self._behind.push(gitdir, extra)

    async def _list_refs(self, gitdir: Path, body: bytes) -> bytes | None:
        request = parse_ls_refs(body)
        if request is None:
            return None
        snapshot = await self._snapshot(gitdir)
        if snapshot is None:
            return None
        return snapshot.rendered.get(body) or snapshot.remember(
            body, render_ls_refs(snapshot, request)
        )

    async def _snapshot(self, gitdir: Path) -> RefSnapshot | None:
        try:
            # A disk can be slow, and a repository large.
            return await asyncio.to_thread(self._refs.get, gitdir)
        except NotPlainError:
            return None

    async def _sample(self, command: str, version: int) -> _Sample:
        known = self._samples.get((command, version))
        if known is not None:
            return known
        with tempfile.TemporaryDirectory(prefix="wit-sample-") as folder:
            storage.create_bare(Path(folder), "sample.git")
            gitdir = Path(folder) / "sample.git"
            empty = await self._behind.advertise(command, gitdir, version)
            oid = storage.write_blob(gitdir, b"")
            (gitdir / "refs/tags/sample").write_text(f"{oid}\n", encoding="ascii")
            shown = await self._behind.advertise(command, gitdir, version)
        is_v2 = command == "upload-pack" and version >= _V2
        sample = _Sample(empty, b"" if is_v2 else read_capabilities(shown))
        self._samples[command, version] = sample
        return sample


def _render(command: str, version: int, snapshot: RefSnapshot, capabilities: bytes) -> bytes:
    head = write_packet(f"# service=git-{command}\n".encode()) + b"0000"
    if version == 1:
        head += write_packet(b"version 1\n")
    if command == "upload-pack":
        return head + render_upload_pack(snapshot, capabilities)
    return head + render_receive_pack(snapshot, capabilities)
