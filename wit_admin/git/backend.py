"""The interface of whatever answers ``upload-pack`` and ``receive-pack`` requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.pushes.guard import PushGuard


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """An answer to ``upload-pack`` that is there already."""

    body: bytes
    was_clone: bool = False
    """Whether it holds a pack for a client that had no commits: a clone."""


class FetchAnswer(Protocol):
    """The answer to one request of ``upload-pack``, while it streams."""

    @property
    def ended_well(self) -> bool:
        """Whether it was complete; known after the last chunk."""

    @property
    def sent_pack(self) -> bool:
        """Whether a pack was begun; known after the last chunk."""

    @property
    def was_clone(self) -> bool:
        """Whether it was begun for a client that had no commits; known after the last chunk."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the answer in pieces; none if the request was malformed."""

    def complaint(self) -> str:
        """Return the error in the request."""


class PushProcess(Protocol):
    """A running ``receive-pack``."""

    async def write(self, data: bytes) -> None:
        """Write to its standard input, and wait while that is full. After its end data is lost."""

    def close_stdin(self) -> None:
        """Close its standard input."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield its answer as it comes."""

    async def wait(self) -> int:
        """Wait for its end; return the exit status, negative for a signal."""

    def complaint(self) -> str:
        """Return the last lines of its standard error."""


class Backend(Protocol):
    """Answers what clients ask of repositories."""

    @property
    def newest_protocol(self) -> int:
        """The newest version of git's protocol that it speaks: 0, 1 or 2."""

    async def advertise(self, command: str, gitdir: Path | None, version: int) -> bytes:
        """Return the body of ``info/refs``; ``gitdir`` is ``None`` for one yet to be created.

        Raises:
            UnavailableError: The repository cannot be read, or the server is too busy.
        """

    def find_cached_advertisement(self, command: str, gitdir: Path, version: int) -> bytes | None:
        """Return the cached result of :meth:`advertise`, or ``None``. Never waits."""

    def find_cached_answer(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        """Return the cached result of :meth:`fetch_in_process`, or ``None``. Never waits."""

    async def fetch_in_process(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        """Return the answer to one request of ``upload-pack`` if no git child is needed.

        Otherwise return ``None``, and :meth:`fetch` has to answer.
        """

    def fetch(
        self, gitdir: Path, body: bytes, version: int, shown: AbstractSet[bytes] = frozenset()
    ) -> AbstractAsyncContextManager[FetchAnswer]:
        """Answer one request of ``upload-pack``.

        ``shown`` are object ids that anybody may want, as they are shown; there may be more.

        Raises:
            InvalidInputError: It asks for an object that no visible ref leads to.
            UnavailableError: The server is too busy.
        """

    def push_in_process(
        self, gitdir: Path, request: PushRequest, body: bytes, extra: Mapping[str, str]
    ) -> bytes | None:
        """Carry out a small push and return the answer, or ``None`` if :meth:`push` has to do it.

        ``body`` is the whole request. Call it in a thread, and always wait for its end.
        """

    def push(
        self, gitdir: Path, extra: Mapping[str, str], guard: PushGuard | None = None
    ) -> AbstractAsyncContextManager[PushProcess]:
        """Start ``receive-pack``; the caller feeds it. ``extra`` goes into its environment.

        With a ``guard`` nothing is accepted that it has not been asked about.

        Raises:
            UnavailableError: The server is too busy.
        """
