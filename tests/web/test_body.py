"""Request bodies: decoded in bounded pieces, or refused with the right words."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from wit_admin.errors import InvalidInputError, TooLargeError, UnavailableError
from wit_admin.web.body import (
    DECODED_CHUNK_BYTES,
    BodyLimits,
    ClientGoneError,
    MemoryBudget,
    read_body,
)
from wit_admin.web.headers import Headers, collect_headers
from wit_admin.web.problems import Problem

LIMITS = BodyLimits(max_bytes=4 * 1024 * 1024, idle_timeout_s=5)
GZIP: Headers = {b"content-encoding": b"gzip"}


def read(parts: list[bytes], headers: Headers, limits: BodyLimits = LIMITS) -> list[bytes]:
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0)

    async def collect() -> list[bytes]:
        return [chunk async for chunk in read_body(receive, headers, limits)]

    return asyncio.run(collect())


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_gzip_in_any_pieces_gives_the_same_bytes(data: bytes, size: int) -> None:
    packed = gzip.compress(data)
    parts = [packed[start : start + size] for start in range(0, len(packed), size)]

    assert b"".join(read(parts, GZIP)) == data


@given(st.binary(max_size=300))
def test_any_bytes_are_gzip_or_refused(data: bytes) -> None:
    try:
        assert zlib.decompress(data, 31) == b"".join(read([data], GZIP))
    except (InvalidInputError, zlib.error):
        with pytest.raises(InvalidInputError):
            read([data], GZIP)


def test_gzip_bomb_comes_in_bounded_pieces_and_is_cut() -> None:
    bomb = gzip.compress(b"\0" * (64 * 1024 * 1024))

    with pytest.raises(TooLargeError):
        read([bomb], GZIP)
    pieces = read([gzip.compress(b"\0" * 3_000_000)], GZIP)
    assert max(len(piece) for piece in pieces) <= DECODED_CHUNK_BYTES
    assert sum(len(piece) for piece in pieces) == 3_000_000


def test_truncated_gzip_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="ends too early"):
        read([gzip.compress(b"hello")[:-4]], GZIP)


def test_announced_length_over_the_limit_is_refused_before_reading() -> None:
    with pytest.raises(TooLargeError):
        read([], {b"content-length": b"99999999999"})


def test_unknown_encoding_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        read([b"x"], {b"content-encoding": b"br"})
    assert caught.value.status == 415


def test_silent_client_is_refused_in_time() -> None:
    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def collect() -> None:
        async for _ in read_body(receive, {}, BodyLimits(10, 0.05)):
            pass

    with pytest.raises(Problem) as caught:
        asyncio.run(collect())
    assert caught.value.status == 408


def test_client_that_hangs_up_is_noticed() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def collect() -> None:
        async for _ in read_body(receive, {}, LIMITS):
            pass

    with pytest.raises(ClientGoneError):
        asyncio.run(collect())


def test_header_that_must_be_single_is_refused_twice() -> None:
    with pytest.raises(Problem) as caught:
        collect_headers([(b"Authorization", b"a"), (b"authorization", b"b")])
    assert caught.value.status == 400


def test_budget_of_all_bodies_is_kept_and_given_back() -> None:
    budget = MemoryBudget(1000)

    async def chunks(sizes: list[int]) -> AsyncIterator[bytes]:
        for size in sizes:
            yield bytes(size)

    async def hold() -> int:
        async with budget.hold_whole(chunks([300, 300])) as body:
            with pytest.raises(UnavailableError):
                async with budget.hold_whole(chunks([300, 300])):
                    raise AssertionError
            async with budget.hold_whole(chunks([400])):
                return len(body)

    assert asyncio.run(hold()) == 600
    assert budget.free_bytes == 1000
