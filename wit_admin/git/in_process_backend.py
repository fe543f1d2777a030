"""Answers without a git child: advertisements, ``ls-refs``, cached fetches, small pushes.

Each clone begins with the first two, and a fetch that finds nothing new consists of them. Another
backend does everything else.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.backend import Backend, FetchAnswer, PushProcess, ReadyAnswer
from wit_admin.git.fetches.answer_cache import (
    AnswerCache,
    FetchRequest,
    RecordedAnswer,
    is_usual_fetch,
)
from wit_admin.git.files.marks import NotPlainError
from wit_admin.git.pktline import write_packet
from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.pushes.guard import PushGuard
from wit_admin.git.pushes.in_process_push import push_in_process
from wit_admin.git.refs.advertisement import (
    parse_ls_refs,
    read_capabilities,
    render_ls_refs,
    render_receive_pack,
    render_upload_pack,
)
from wit_admin.git.refs.cache import RefCache, RefSnapshot
from wit_admin.git.refs.move import Committer
from wit_admin.git.repositories import storage

_V2 = 2
_FEW_FOLDERS = 100
"""Up to this number of folders, reading them costs no more than handing the work to a thread."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """The advertisements of git itself, for an empty repository and for one with a ref."""

    empty: bytes
    capabilities: bytes


class InProcessBackend:
    """Answers what it can from the refs and its cache, and passes the rest to another backend."""

    def __init__(
        self,
        behind: Backend,
        *,
        takes_pushes: bool,
        waits_for_disk: bool = True,
        cache_bytes: int = 0,
    ) -> None:
        """Stand before ``behind``.

        ``takes_pushes``: small pushes are carried out here. ``waits_for_disk``: a look at a file
        may take long, as on a network file system. ``cache_bytes``: room for answers to fetches.
        """
        self._behind = behind
        self._takes_pushes = takes_pushes
        self._max_folders = 0 if waits_for_disk else _FEW_FOLDERS
        self._refs = RefCache()
        self._answers = AnswerCache(cache_bytes)
        self._samples: dict[tuple[str, int], _Sample] = {}

    @property
    def newest_protocol(self) -> int:
        """The newest version of git's protocol that the backend behind speaks."""
        return self._behind.newest_protocol

    def find_cached_advertisement(self, command: str, gitdir: Path, version: int) -> bytes | None:
        """Return the body of ``info/refs`` if nothing has to be read for it. Never waits."""
        version = min(version, self.newest_protocol)
        sample = self._samples.get((command, version))
        if sample is None:
            return None
        if _is_v2(command, version):
            return sample.empty if self._has_current_settings(gitdir) else None
        snapshot = self._find_snapshot(gitdir)
        return None if snapshot is None else _advertisement(command, version, snapshot, sample)

    async def advertise(self, command: str, gitdir: Path | None, version: int) -> bytes:
        """Return the body of ``info/refs``."""
        version = min(version, self.newest_protocol)
        sample = await self._sample(command, version)
        if gitdir is None:
            return sample.empty
        snapshot = await self._snapshot(gitdir)
        if snapshot is None:
            return await self._behind.advertise(command, gitdir, version)
        return _advertisement(command, version, snapshot, sample)

    def find_cached_answer(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        """Return what :meth:`fetch_in_process` would if no ref has to be read. Never waits."""
        snapshot = self._find_snapshot(gitdir) if self._speaks_v2(version) else None
        return self._ready(gitdir, body, snapshot) if snapshot is not None else None

    async def fetch_in_process(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        """Return the answer to ``ls-refs``, or to a fetch that was answered before."""
        snapshot = await self._snapshot(gitdir) if self._speaks_v2(version) else None
        return self._ready(gitdir, body, snapshot) if snapshot is not None else None

    @asynccontextmanager
    async def fetch(
        self, gitdir: Path, body: bytes, version: int, shown: AbstractSet[bytes] = frozenset()
    ) -> AsyncIterator[FetchAnswer]:
        """Answer one request of ``upload-pack``, and remember what was answered."""
        version = min(version, self.newest_protocol)
        is_usual = version >= _V2 and is_usual_fetch(body)
        snapshot = await self._snapshot(gitdir) if is_usual else None
        shown = snapshot.oids if snapshot is not None else shown
        async with self._behind.fetch(gitdir, body, version, shown) as answer:
            if snapshot is None or not self._answers.largest:
                yield answer
            else:
                request = FetchRequest(gitdir, body, snapshot)
                yield RecordedAnswer(answer, self._answers, request, lambda: self._snapshot(gitdir))

    def push_in_process(
        self, gitdir: Path, request: PushRequest, body: bytes, extra: Mapping[str, str]
    ) -> bytes | None:
        """Carry out a push of a few plain objects onto a branch."""
        if not self._takes_pushes:
            return None
        who = Committer(extra["GIT_COMMITTER_NAME"], extra["GIT_COMMITTER_EMAIL"])
        try:
            return push_in_process(gitdir, request, body, self._refs.get(gitdir), who)
        except NotPlainError:
            return None

    def push(
        self, gitdir: Path, extra: Mapping[str, str], guard: PushGuard | None = None
    ) -> AbstractAsyncContextManager[PushProcess]:
        """Start ``receive-pack``."""
        return self._behind.push(gitdir, extra, guard)

    def _speaks_v2(self, version: int) -> bool:
        return min(version, self.newest_protocol) >= _V2

    def _ready(self, gitdir: Path, body: bytes, snapshot: RefSnapshot) -> ReadyAnswer | None:
        listed = snapshot.rendered.get(body)
        if listed is None and (request := parse_ls_refs(body)) is not None:
            listed = snapshot.remember(body, render_ls_refs(snapshot, request))
        if listed is not None:
            return ReadyAnswer(listed)
        return self._answers.find(FetchRequest(gitdir, body, snapshot))

    def _find_snapshot(self, gitdir: Path) -> RefSnapshot | None:
        try:
            return self._refs.find(gitdir, max_folders=self._max_folders)
        except NotPlainError:
            return None

    def _has_current_settings(self, gitdir: Path) -> bool:
        try:
            return self._max_folders > 0 and self._refs.has_current_settings(gitdir)
        except NotPlainError:
            return False

    async def _snapshot(self, gitdir: Path) -> RefSnapshot | None:
        try:
            known = self._refs.find(gitdir, max_folders=self._max_folders)
            # A disk can be slow, and a repository large.
            return known or await asyncio.to_thread(self._refs.get, gitdir)
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
        sample = _Sample(empty, b"" if _is_v2(command, version) else read_capabilities(shown))
        self._samples[command, version] = sample
        return sample


def _is_v2(command: str, version: int) -> bool:
    """Return whether only capabilities are advertised."""
    return command == "upload-pack" and version >= _V2


def _advertisement(command: str, version: int, snapshot: RefSnapshot, sample: _Sample) -> bytes:
    if _is_v2(command, version) or not (
        snapshot.refs or (snapshot.head and command == "upload-pack")
    ):
        return sample.empty
    key = f"{command} {version}".encode()
    return snapshot.rendered.get(key) or snapshot.remember(
        key, _render(command, version, snapshot, sample.capabilities)
    )


def _render(command: str, version: int, snapshot: RefSnapshot, capabilities: bytes) -> bytes:
    head = write_packet(f"# service=git-{command}\n".encode()) + b"0000"
    if version == 1:
        head += write_packet(b"version 1\n")
    if command == "upload-pack":
        return head + render_upload_pack(snapshot, capabilities)
    return head + render_receive_pack(snapshot, capabilities)
