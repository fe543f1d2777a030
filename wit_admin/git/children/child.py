"""A git child process: spawned cheaply, streamed both ways, never outliving its client."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import ClassVar, Self

from wit_admin.errors import UnavailableError
from wit_admin.git.children.spawning import spawn

READ_BYTES = 256 * 1024
_PIPE_BYTES = 1024 * 1024
_COMPLAINT_BYTES = 4096
_GRACE_S = 1.0
_LAST_LOOK_S = 0.2
_GATHER_S = 0.003
"""How long output may gather in the pipe: waking up for every packet of git costs more time than
the client gains. A pipe of full size holds what git can write meanwhile."""
_SILENCE_S = 600.0
"""How long a child may be silent; git sends something every few seconds on side bands."""


class GitChild:
    """One running child. Use it as ``async with``: leaving kills its group and reaps it."""

    running: ClassVar[int] = 0
    """Children of this process that have not been reaped."""

    def __init__(  # noqa: PLR0913  all that tells one child from another
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        *,
        memory_bytes: int | None,
        silence_s: float = _SILENCE_S,
        descriptors: Sequence[int] = (),
        is_foreign: bool = False,
    ) -> None:
        """Describe a child.

        ``descriptors`` of ours become its numbers 3 and up; none of them may be lower than 10. A
        foreign program is no git: its errors are part of its output, and what it started is killed.
        """
        self._arguments = list(arguments)
        self._environment = environment
        self._memory_bytes = memory_bytes
        self._silence_s = silence_s
        self._descriptors = tuple(descriptors)
        self._is_foreign = is_foreign
        self._last_sign = 0.0
        self._errors = b""
        self.returncode: int | None = None

    async def __aenter__(self) -> Self:
        stdin_read, self._stdin = os.pipe2(os.O_CLOEXEC)
        self._stdout, stdout_write = os.pipe2(os.O_CLOEXEC)
        self._stderr, stderr_write = os.pipe2(os.O_CLOEXEC)
        for descriptor in (self._stdin, self._stdout):
            # The kernel may refuse a larger pipe to a user with many; the default size works, too.
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._gathers = fcntl.fcntl(self._stdout, fcntl.F_GETPIPE_SZ) >= _PIPE_BYTES
        for descriptor in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(descriptor, False)
        errors = stdout_write if self._is_foreign else stderr_write
        try:
            self.pid = spawn(
                self._arguments,
                self._environment,
                (stdin_read, stdout_write, errors, *self._descriptors),
                memory_bytes=self._memory_bytes,
            )
        except OSError:
            for descriptor in (self._stdin, self._stdout, self._stderr):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (stdin_read, stdout_write, stderr_write):
                os.close(descriptor)
        GitChild.running += 1
        self._pidfd = os.pidfd_open(self.pid)
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._pidfd, self._reap)
        loop.add_reader(self._stderr, self._read_errors)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.close_stdin()
        loop.remove_reader(self._stderr)
        os.close(self._stdout)
        if self.returncode is None:
            await asyncio.shield(self._end())
        os.close(self._stderr)
        os.close(self._pidfd)

    async def write(self, data: bytes) -> None:
        """Write to its standard input, and wait while that is full. After its end data is lost."""
        view = memoryview(data)
        while view and self._stdin >= 0 and self.returncode is None:
            try:
                view = view[os.write(self._stdin, view) :]
                self._note_sign()
            except BlockingIOError:
                # A grandchild may hold the pipe open, so the child's end has to wake us as well.
                await self._ready(self._stdin, for_writing=True)
            except BrokenPipeError:
                self.close_stdin()

    def close_stdin(self) -> None:
        """Close its standard input."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the output as it comes, at most 256 KiB ahead of the consumer.

        Raises:
            UnavailableError: It has been silent for so long that it must be stuck, for example on a
                named pipe in its repository.
        """
        self._note_sign()
        while True:
            try:
                chunk = os.read(self._stdout, READ_BYTES)
            except BlockingIOError:
                if await self._may_have_output():
                    continue
                # It died, but a grandchild holds the pipe open without writing.
                return
            if not chunk:
                return
            yield chunk
            self._note_sign()
            if self._gathers and len(chunk) < READ_BYTES and self.returncode is None:
                await self._ready(None, timeout_s=_GATHER_S)

    async def has_output(self, *, within_s: float) -> bool:
        """Wait for output or the end; return false if neither came in time."""
        return self.returncode is not None or await self._ready(self._stdout, timeout_s=within_s)

    async def _may_have_output(self) -> bool:
        """Wait for output or for the end; return false if there is no more output."""
        if self.returncode is not None:
            # Look once more: the end may be seen before the output that came before it.
            return await self._ready(self._stdout, timeout_s=_LAST_LOOK_S)
        left_s = self._last_sign + self._silence_s - time.monotonic()
        if left_s <= 0:
            raise UnavailableError("git has stopped in the middle of its work.")
        await self._ready(self._stdout, timeout_s=left_s)
        return True

    async def wait(self) -> int:
        """Wait for the end; return the exit status, negative for a signal."""
        if self.returncode is None:
            await asyncio.shield(self._ended)
        assert self.returncode is not None  # noqa: S101  _reap sets it first
        return self.returncode

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        # The pidfd was ready, so this returns at once.
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        GitChild.running -= 1
        # What the child started must not outlive it either.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL if self._is_foreign else signal.SIGTERM)
        self._read_errors()
        self._ended.set_result(None)

    async def _ready(
        self, descriptor: int | None, *, for_writing: bool = False, timeout_s: float | None = None
    ) -> bool:
        """Wait for an event or for the child's end; return false if time runs out first."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[bool] = loop.create_future()

        def wake(*_: object) -> None:
            if not ready.done():
                ready.set_result(True)

        def give_up() -> None:
            if not ready.done():
                ready.set_result(False)

        add, remove = loop.add_reader, loop.remove_reader
        if for_writing:
            add, remove = loop.add_writer, loop.remove_writer
        timer = None if timeout_s is None else loop.call_later(timeout_s, give_up)
        if not self._ended.done():
            self._ended.add_done_callback(wake)
        if descriptor is not None:
            add(descriptor, wake)
        try:
            return await ready
        finally:
            if descriptor is not None:
                remove(descriptor)
            self._ended.remove_done_callback(wake)
            if timer is not None:
                timer.cancel()

    def complaint(self) -> str:
        """Return the last lines of its standard error."""
        return self._errors.decode("utf-8", "replace").strip()

    def _note_sign(self) -> None:
        self._last_sign = time.monotonic()

    def _read_errors(self) -> None:
        try:
            chunk = os.read(self._stderr, 65536)
        except BlockingIOError:
            return
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._stderr)
        self._errors = (self._errors + chunk)[-_COMPLAINT_BYTES:]

    async def _end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_S):
                    await self.wait()
                    return
        await self.wait()
