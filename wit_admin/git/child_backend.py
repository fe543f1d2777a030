"""The backend that runs ``git upload-pack`` and ``git receive-pack``, a bounded number at once."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from wit_admin.errors import InvalidInputError, NotFoundError, UnavailableError
from wit_admin.git.backend import FetchAnswer, PushProcess, ReadyAnswer
from wit_admin.git.children.child import GitChild
from wit_admin.git.children.filters import silence_filters
from wit_admin.git.children.places import take_place
from wit_admin.git.children.tools import GitTools
from wit_admin.git.fetches.answers import PackAnswer, UploadPackAnswer
from wit_admin.git.fetches.wants import find_forbidden, may_have_hidden_refs, wanted_ids
from wit_admin.git.fetches.whole_clone import parse_whole_clone
from wit_admin.git.pktline import write_packet
from wit_admin.git.pushes.checks import GuardSettings, PushChecks
from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.pushes.guard import PushGuard
from wit_admin.git.pushes.guarded_push import GuardedPush, GuardedStart
from wit_admin.git.pushes.retried_push import RetriedPush
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.inspected_files import named_failures
from wit_admin.git.repositories.inspection import Inspector

_KEPT_SHARE = 4
"""One place in so many is not for fetches: clients that read slowly must not hold up pushes."""


class ChildBackend:
    """Runs one git child for each request."""

    def __init__(
        self,
        tools: GitTools,
        inspector: Inspector,
        guards: GuardSettings,
        *,
        max_processes: int,
    ) -> None:
        self._tools = tools
        self._inspector = inspector
        self._guards = guards
        self._places = asyncio.Semaphore(max_processes)
        self._fetches = asyncio.Semaphore(max_processes - max_processes // _KEPT_SHARE)

    @property
    def newest_protocol(self) -> int:
        """The newest version of git's protocol that the program speaks."""
        return self._tools.program.newest_protocol

    async def advertise(self, command: str, gitdir: Path | None, version: int) -> bytes:
        """Return the body of ``info/refs``; ``gitdir`` is ``None`` for one yet to be created."""
        if gitdir is None:
            return await self._advertise_empty(command, version)
        await asyncio.to_thread(self._check, gitdir, command)
        options = ["--stateless-rpc", "--http-backend-info-refs"]
        line = self._tools.command(command, *options, str(gitdir))
        environment = self._tools.environment.variables(version=version)
        async with self._running(line, environment) as child:
            child.close_stdin()
            body = b"".join([chunk async for chunk in child.chunks()])
            status = await child.wait()
        if status != 0 or not body:
            if not await asyncio.to_thread(gitdir.exists):
                # A first push that failed may have removed it.
                raise NotFoundError("The repository was removed meanwhile.")
            raise UnavailableError("git cannot read this repository.")
        is_v2 = command == "upload-pack" and version >= 2  # noqa: PLR2004  git's protocol version
        header = b"" if is_v2 else write_packet(f"# service=git-{command}\n".encode()) + b"0000"
        return header + body

    async def _advertise_empty(self, command: str, version: int) -> bytes:
        with tempfile.TemporaryDirectory(prefix="wit-empty-") as folder:
            storage.create_bare(Path(folder), "empty.git")
            return await self.advertise(command, Path(folder) / "empty.git", version)

    def find_cached_advertisement(self, command: str, gitdir: Path, version: int) -> bytes | None:
        """Return nothing: git is asked each time."""
        return None

    def find_cached_answer(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        """Return nothing: git is asked each time."""
        return None

    async def fetch_in_process(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        """Return ``None``: nothing is answered without a child here."""
        return None

    @asynccontextmanager
    async def fetch(
        self, gitdir: Path, body: bytes, version: int, shown: AbstractSet[bytes] = frozenset()
    ) -> AsyncIterator[FetchAnswer]:
        """Answer one request of ``upload-pack``.

        Raises:
            ConflictError: Something in the repository leads out of the root, or would block git.
            NotAllowedError: The repository's config refuses fetches over HTTP.
            InvalidInputError: It asks for an object that no visible ref leads to.
            UnavailableError: The server is too busy.
        """
        async with take_place(self._fetches), self._answer(gitdir, body, version, shown) as answer:
            yield answer

    @asynccontextmanager
    async def _answer(
        self, gitdir: Path, body: bytes, version: int, shown: AbstractSet[bytes]
    ) -> AsyncIterator[FetchAnswer]:
        may_hide = await asyncio.to_thread(self._inspect, gitdir)
        clone = parse_whole_clone(body) if shown and self._tools.program.is_git else None
        if clone is not None and shown >= set(clone.wants):
            # Run there, as upload-pack runs: its complaints, which the client sees, name no path.
            environment = self._tools.environment.variables(extra={"GIT_DIR": "."})
            line = self._tools.command("-C", str(gitdir), *clone.command)
            async with self._fed(line, environment, clone.revisions) as child:
                yield PackAnswer(child)
            return
        # The stand-in for git refuses by itself whatever it has not shown.
        wants = wanted_ids(body) if may_hide and self._tools.program.is_git else []
        if wants:
            forbidden = await find_forbidden(self._read_git, gitdir, wants)
            if forbidden is not None:
                # In the words for an object that is not there: nobody learns that it is.
                raise InvalidInputError(f"upload-pack: not our ref {forbidden}")
        environment = self._tools.environment.variables(version=version)
        line = self._tools.command("upload-pack", "--stateless-rpc", str(gitdir))
        async with self._fed(line, environment, body) as child:
            yield UploadPackAnswer(child, request_has_haves=b"have " in body)

    def _inspect(self, gitdir: Path) -> bool:
        """Look at a repository before git does; return whether some of its refs may be hidden."""
        self._check(gitdir, "upload-pack")
        self._inspector.check_loose_objects(gitdir)
        with named_failures():
            return may_have_hidden_refs(gitdir)

    def _check(self, gitdir: Path, command: str) -> None:
        self._inspector.check(gitdir)
        storage.check_switch(gitdir, command)

    def push_in_process(
        self, gitdir: Path, request: PushRequest, body: bytes, extra: Mapping[str, str]
    ) -> bytes | None:
        """Return ``None``: nothing is carried out without a child here."""
        return None

    def push(
        self, gitdir: Path, extra: Mapping[str, str], guard: PushGuard | None = None
    ) -> AbstractAsyncContextManager[PushProcess]:
        """Start ``receive-pack``; the caller feeds it."""
        if guard is not None:
            return self._guarded_push(gitdir, extra, guard)
        return RetriedPush(lambda: self._receive_pack(gitdir, extra))

    def _guarded_push(
        self, gitdir: Path, extra: Mapping[str, str], guard: PushGuard
    ) -> GuardedPush:
        def checks(objects: tuple[str, str]) -> PushChecks:
            return PushChecks(self._tools, self._guards, gitdir, objects)

        def start(hooks: Path, descriptors: Sequence[int]) -> AbstractAsyncContextManager[GitChild]:
            return self._receive_pack(gitdir, extra, hooks, descriptors)

        return GuardedPush(
            guard, GuardedStart(self._guards.hooks, start, checks, lambda: self._own_hooks(gitdir))
        )

    def _receive_pack(
        self,
        gitdir: Path,
        extra: Mapping[str, str],
        hooks: Path | None = None,
        descriptors: Sequence[int] = (),
    ) -> AbstractAsyncContextManager[GitChild]:
        with named_failures():
            overrides = [] if self._tools.environment.repository_hooks else silence_filters(gitdir)
        environment = self._tools.environment.variables(
            extra=extra, overrides=overrides, hooks=hooks
        )
        line = self._tools.command("receive-pack", "--stateless-rpc", str(gitdir))
        return self._running(line, environment, descriptors)

    async def _own_hooks(self, gitdir: Path) -> Path | None:
        """Return the folder of the repository's own hooks, where these are run."""
        if not self._tools.environment.repository_hooks:
            return None
        environment = self._tools.environment.variables(extra={"GIT_DIR": str(gitdir)})
        line = self._tools.command("rev-parse", "--path-format=absolute", "--git-path", "hooks")
        async with GitChild(line, environment, memory_bytes=self._tools.memory_bytes) as child:
            child.close_stdin()
            said = b"".join([chunk async for chunk in child.chunks()])
        return Path(os.fsdecode(said.removesuffix(b"\n")))

    async def _read_git(
        self, gitdir: Path, command: Sequence[str], ids: Sequence[str]
    ) -> AsyncIterator[bytes]:
        environment = self._tools.environment.variables(extra={"GIT_DIR": str(gitdir)})
        line = self._tools.command(*command)
        # Many ids do not fit on a command line.
        lines = "".join(f"{oid}\n" for oid in ids).encode()
        async with self._fed(line, environment, lines) as child:
            async for chunk in child.chunks():
                yield chunk
            if await child.wait() != 0:
                raise UnavailableError("git cannot walk this repository.")

    @asynccontextmanager
    async def _fed(
        self, line: list[str], environment: dict[str, str], body: bytes
    ) -> AsyncIterator[GitChild]:
        async with self._running(line, environment) as child:
            feeding = asyncio.create_task(_feed(child, body))
            try:
                yield child
            finally:
                # It must not use the pipe any more when that is closed and its number reused.
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)

    @asynccontextmanager
    async def _running(
        self, line: list[str], environment: dict[str, str], descriptors: Sequence[int] = ()
    ) -> AsyncIterator[GitChild]:
        async with (
            take_place(self._places),
            GitChild(
                line, environment, memory_bytes=self._tools.memory_bytes, descriptors=descriptors
            ) as child,
        ):
            yield child


async def _feed(child: GitChild, body: bytes) -> None:
    await child.write(body)
    child.close_stdin()
