"""A ``receive-pack`` whose hooks ask this process which refs may be accepted."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from wit_admin.errors import WitError
from wit_admin.git.children.child import GitChild
from wit_admin.git.children.pipes import PipeEnd, open_pipe
from wit_admin.git.pushes.checks import PushChecks, Verdict
from wit_admin.git.pushes.guard import PushGuard
from wit_admin.git.pushes.hooks import HookFolder, open_hooks
from wit_admin.git.pushes.report_rewriter import ReportRewriter
from wit_admin.git.pushes.retried_push import RetriedPush

log = logging.getLogger(__name__)

_READ_BYTES = 64 * 1024
_PATIENCE_S = 1800.0
"""The time limit of a whole push; checking the first push of a huge history takes minutes."""


@dataclass(frozen=True, slots=True)
class GuardedStart:
    """How to start the ``receive-pack`` of one push, and how to check what it receives."""

    hooks: Path
    """The folder in which its hooks are created."""
    child: Callable[[Path, Sequence[int]], AbstractAsyncContextManager[GitChild]]
    """Starts the child with these hooks and descriptors."""
    checks: Callable[[tuple[str, str]], PushChecks]
    """Creates the checks, once it is known where the new objects are."""
    own_hooks: Callable[[], Awaitable[Path | None]]
    """Finds the repository's own hooks, if they are to run."""


class GuardedPush:
    """A push in which a guard accepts or refuses each ref; the report has the reasons."""

    def __init__(self, guard: PushGuard, start: GuardedStart) -> None:
        self._guard = guard
        self._start = start
        self._refusals: dict[bytes, str] = {}
        self._push = RetriedPush(self._begin)

    async def __aenter__(self) -> Self:
        await self._push.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._push.__aexit__(kind, error, trace)

    async def write(self, data: bytes) -> None:
        """Write to its standard input, and wait while that is full."""
        await self._push.write(data)

    def close_stdin(self) -> None:
        """Close its standard input."""
        self._push.close_stdin()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield git's answer, with the guard's reasons in it."""
        guard = self._guard
        rewriter = ReportRewriter(guard.side_band, self._refusals, guard.is_atomic)
        async for chunk in self._push.chunks():
            if passed := rewriter.feed(chunk):
                yield passed
        if rest := rewriter.finish():
            yield rest

    async def wait(self) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        return await self._push.wait()

    def complaint(self) -> str:
        """Return the last lines of its standard error."""
        return self._push.complaint()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[GitChild]:
        own = await self._start.own_hooks()
        with (
            open_pipe() as (asks, to_ask),
            open_pipe() as (to_hear, answers),
            open_hooks(self._start.hooks, own) as folder,
        ):
            async with self._start.child(folder.path, (to_ask.number, to_hear.number)) as child:
                # Only the hooks may have these ends now, or else end of file would never come.
                to_ask.close()
                to_hear.close()
                answering = asyncio.create_task(self._answer(asks, answers, folder))
                try:
                    yield child
                finally:
                    answering.cancel()
                    (problem,) = await asyncio.gather(answering, return_exceptions=True)
                    if isinstance(problem, Exception):
                        log.error("A push was refused because of a bug.", exc_info=problem)

    async def _answer(self, asks: PipeEnd, answers: PipeEnd, folder: HookFolder) -> None:
        """Wait for the hook's question and answer it. Without an answer the hook refuses."""
        try:
            objects = await _read_question(asks.number)
            if objects is None:
                return
            verdict = await self._judge(objects)
            self._refusals.clear()
            self._refusals.update(verdict.refusals)
            refused = len(verdict.refusals)
            is_no = refused > 0 and (self._guard.is_atomic or refused == self._guard.commands)
            if refused and not is_no:
                folder.refuse(verdict.refusals)
            answer = "\n".join(["no" if is_no else "go", *verdict.told, ""])
            # It fits into the pipe, so this does not wait.
            os.write(answers.number, answer.encode())
        finally:
            answers.close()

    async def _judge(self, objects: tuple[str, str]) -> Verdict:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._start.checks(objects).judge(self._guard)
        except (WitError, OSError):  # the end of patience is an OSError, too
            log.exception("A push could not be checked.")
            unchecked = dict.fromkeys((ref.ref for ref in self._guard.refs), "it cannot be checked")
            return Verdict({**self._guard.refusals, **unchecked})


async def _read_question(descriptor: int) -> tuple[str, str] | None:
    """Return the folders of objects that the hook names; ``None`` if no hook asked."""
    os.set_blocking(descriptor, False)
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    said = bytearray()

    def read() -> None:
        chunk = os.read(descriptor, _READ_BYTES)
        said.extend(chunk)
        if (not chunk or said.count(0) > 1) and not ended.done():
            ended.set_result(None)

    loop.add_reader(descriptor, read)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)
    new, others, *_ = *said.split(b"\0"), b"", b""
    return (os.fsdecode(bytes(new)), os.fsdecode(bytes(others))) if said.count(0) > 1 else None
