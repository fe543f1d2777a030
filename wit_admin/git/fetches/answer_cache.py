"""A cache of answers to fetches, valid while the refs of the repository have not moved.

Build machines clone the same commit over and over. An answer depends on the request, on the refs
and on the settings; the snapshot of the refs is replaced whenever one of the last two changes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.backend import FetchAnswer, ReadyAnswer
from wit_admin.git.fetches.wants import first_want
from wit_admin.git.refs.cache import RefSnapshot

_COMMAND = b"command=fetch"
_MAX_REQUEST_BYTES = 64 * 1024
_LARGEST_SHARE = 16
"""One answer takes at most this fraction (one sixteenth) of the cache."""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """A request of version 2 of git's protocol, and the refs as they were when it came."""

    gitdir: Path
    body: bytes
    snapshot: RefSnapshot

    @property
    def key(self) -> tuple[Path, bytes]:
        """The key in the cache."""
        return self.gitdir, hashlib.blake2b(self.body, digest_size=32).digest()

    @property
    def wants_history(self) -> bool:
        """Whether it asks for the commit of a ref, not for objects that a partial clone lacks."""
        return first_want(self.body) in self.snapshot.oids


def is_usual_fetch(body: bytes) -> bool:
    """Return whether a request is a fetch of usual size."""
    return len(body) <= _MAX_REQUEST_BYTES and body[4:].startswith(_COMMAND)


class AnswerCache:
    """The answers used last. Only one event loop may use it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[Path, bytes], tuple[RefSnapshot, ReadyAnswer]] = OrderedDict()
        self._bytes = 0
        self._free_bytes = max_bytes
        """Free memory for answers that are still being sent to their first client."""

    @property
    def largest(self) -> int:
        """The size in bytes of the largest answer that can be kept."""
        return self._max_bytes // _LARGEST_SHARE

    def find(self, request: FetchRequest) -> ReadyAnswer | None:
        """Return the answer to the same request, if nothing has changed since."""
        if not self._kept or not is_usual_fetch(request.body):
            return None
        key = request.key
        snapshot, answer = self._kept.get(key, (None, None))
        if snapshot is not request.snapshot:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return answer

    def hold(self, size: int) -> bool:
        """Reserve memory for a part of an answer; return false if there is none left."""
        if size > self._free_bytes:
            return False
        self._free_bytes -= size
        return True

    def let_go(self, size: int) -> None:
        """Release reserved memory."""
        self._free_bytes += size

    def keep(self, request: FetchRequest, answer: ReadyAnswer) -> None:
        """Remember an answer; forget those used longest ago if memory runs out."""
        key = request.key
        self._drop(key)
        self._kept[key] = request.snapshot, answer
        self._bytes += len(answer.body)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[Path, bytes]) -> None:
        _, answer = self._kept.pop(key, (None, None))
        if answer is not None:
            self._bytes -= len(answer.body)


class RecordedAnswer:
    """Passes an answer on, and puts it into the cache when it is complete."""

    def __init__(
        self,
        answer: FetchAnswer,
        cache: AnswerCache,
        request: FetchRequest,
        look_again: Callable[[], Awaitable[RefSnapshot | None]],
    ) -> None:
        """Pass ``answer`` on; ``look_again`` returns the refs as they are when it has ended."""
        self._answer = answer
        self._cache = cache
        self._request = request
        self._look_again = look_again

    @property
    def sent_pack(self) -> bool:
        """Whether a pack was begun."""
        return self._answer.sent_pack

    @property
    def was_clone(self) -> bool:
        """Whether it was begun for a client that had no commits: a clone."""
        return self._answer.was_clone

    @property
    def ended_well(self) -> bool:
        """Whether the answer was complete."""
        return self._answer.ended_well

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the answer in pieces, as they come."""
        body, is_whole = bytearray(), True
        try:
            async for chunk in self._answer.chunks():
                is_whole = is_whole and self._take(body, chunk)
                yield chunk
            if body and is_whole and await self._is_certain():
                self._cache.keep(self._request, ReadyAnswer(bytes(body), was_clone=self.was_clone))
        finally:
            self._cache.let_go(len(body))

    def _take(self, body: bytearray, chunk: bytes) -> bool:
        if len(body) + len(chunk) <= self._cache.largest and self._cache.hold(len(chunk)):
            body += chunk
            return True
        self._cache.let_go(len(body))
        body.clear()
        return False

    async def _is_certain(self) -> bool:
        # A wanted id may be that of a blob; then it was no clone. That has to be looked up.
        is_clear = self._request.wants_history or not self.was_clone
        if not (self.ended_well and is_clear):
            return False
        return await self._look_again() is self._request.snapshot

    def complaint(self) -> str:
        """Return the error in the request."""
        return self._answer.complaint()
