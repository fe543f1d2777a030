"""Answers to fetches are given again only while they are still true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wit_admin.git.backend import ReadyAnswer
from wit_admin.git.fetches.answer_cache import (
    AnswerCache,
    FetchRequest,
    RecordedAnswer,
    is_usual_fetch,
)
from wit_admin.git.pktline import write_packet
from wit_admin.git.refs.cache import RefSnapshot, ShownRef

TIP = b"1" * 40
PLACE = Path("/repositories/demo.git")


def snapshot() -> RefSnapshot:
    return RefSnapshot((ShownRef(b"refs/heads/main", TIP, b""),), None, None)


def fetch(want: bytes = TIP, *more: bytes) -> bytes:
    lines = (b"command=fetch", b"want %b" % want, *more)
    return b"".join(write_packet(line) for line in lines) + b"0000"


@dataclass(slots=True)
class StreamedAnswer:
    pieces: tuple[bytes, ...] = (b"pack", b"file0000")
    was_clone: bool = True
    ended_well: bool = True
    sent_pack: bool = True

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    def complaint(self) -> str:
        return ""


def record(
    cache: AnswerCache,
    request: FetchRequest,
    answer: StreamedAnswer,
    *,
    is_current: bool = True,
    most_chunks: int = 100,
) -> bytes:
    """Return what a client got of a recorded answer before it left."""

    async def look_again() -> RefSnapshot:
        return request.snapshot if is_current else snapshot()

    async def take() -> bytes:
        taken: list[bytes] = []
        async for chunk in RecordedAnswer(answer, cache, request, look_again).chunks():
            taken.append(chunk)
            if len(taken) == most_chunks:
                break
        return b"".join(taken)

    return asyncio.run(take())


def test_the_same_request_gets_the_same_answer() -> None:
    cache, request = AnswerCache(1000), FetchRequest(PLACE, fetch(), snapshot())

    before = cache.find(request)
    taken = record(cache, request, StreamedAnswer())

    assert before is None
    assert cache.find(request) == ReadyAnswer(taken, was_clone=True)


def test_what_moved_is_asked_of_git_again() -> None:
    cache, request = AnswerCache(1000), FetchRequest(PLACE, fetch(), snapshot())
    record(cache, request, StreamedAnswer())

    assert cache.find(FetchRequest(PLACE, fetch(), snapshot())) is None
    assert cache.find(FetchRequest(PLACE, fetch(TIP, b"done"), request.snapshot)) is None
    assert cache.find(FetchRequest(Path("/other.git"), fetch(), request.snapshot)) is None


@pytest.mark.parametrize(
    ("answer", "is_current", "most_chunks"),
    [
        (StreamedAnswer(ended_well=False), True, 100),
        (StreamedAnswer(), False, 100),
        (StreamedAnswer(), True, 1),
        (StreamedAnswer(()), True, 100),
        (StreamedAnswer((b"x" * 63,)), True, 100),
    ],
    ids=["git failed", "a ref moved meanwhile", "the client left", "nothing came", "too large"],
)
def test_only_whole_and_true_answers_are_kept(
    answer: StreamedAnswer, most_chunks: int, *, is_current: bool
) -> None:
    cache, request = AnswerCache(1000), FetchRequest(PLACE, fetch(), snapshot())

    record(cache, request, answer, is_current=is_current, most_chunks=most_chunks)

    assert cache.find(request) is None


def test_what_may_be_a_blob_is_kept_only_when_it_counts_as_no_clone() -> None:
    cache, request = AnswerCache(1000), FetchRequest(PLACE, fetch(b"2" * 40), snapshot())

    record(cache, request, StreamedAnswer(was_clone=True))
    as_clone = cache.find(request)
    record(cache, request, StreamedAnswer(was_clone=False))

    assert as_clone is None
    assert cache.find(request) is not None


def test_other_commands_and_long_requests_are_left_alone() -> None:
    assert is_usual_fetch(fetch())
    assert not is_usual_fetch(fetch().replace(b"fetch", b"other"))
    assert not is_usual_fetch(fetch(TIP, *[b"have " + TIP] * 2000))


def test_room_is_bounded_and_the_oldest_goes_first() -> None:
    cache, refs = AnswerCache(16 * 10), snapshot()
    requests = [FetchRequest(PLACE, fetch(TIP, b"agent=%d" % n), refs) for n in range(40)]
    for request in requests[:16]:
        record(cache, request, StreamedAnswer((b"0123456789",)))
    cache.find(requests[0])
    for request in requests[16:31]:
        record(cache, request, StreamedAnswer((b"0123456789",)))

    kept = [request for request in requests if cache.find(request) is not None]

    assert kept == [requests[0], *requests[16:31]]


def test_answers_under_way_share_a_bounded_room() -> None:
    cache, refs = AnswerCache(16 * 10), snapshot()
    requests = [FetchRequest(PLACE, fetch(TIP, b"agent=%d" % n), refs) for n in range(20)]

    async def unmoved() -> RefSnapshot:
        return refs

    async def take_all_at_once() -> None:
        begun = [
            aiter(
                RecordedAnswer(
                    StreamedAnswer((b"01234567", b"89")), cache, request, unmoved
                ).chunks()
            )
            for request in requests
        ]
        for chunks in begun:
            await anext(chunks)
        for chunks in begun:
            assert [chunk async for chunk in chunks] == [b"89"]

    asyncio.run(take_all_at_once())
    kept = [request for request in requests if cache.find(request) is not None]

    assert 0 < len(kept) <= 16
    assert cache.hold(16 * 10)
