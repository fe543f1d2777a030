"""Bytes that are known are answered without a parser; with the first others there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.web.test_caching_protocol import KNOWN, OTHER, Asked, Connection, run
from wit_admin.web.cached_responses import CachedResponse, CompleteRequest, LookupCache
from wit_admin.web.caching_protocol import CachingProtocol
from wit_admin.web.parserless_protocol import ParserlessProtocol


class Forgotten(Asked):
    """Was read once, and its answer is known no more."""

    def find_response(self) -> CachedResponse | None:
        return None


def known(kind: type[Asked] = Asked) -> LookupCache:
    lookups = LookupCache()
    lookups.add(KNOWN, kind(CompleteRequest(b"POST", b"/known", [], b"body")))
    return lookups


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        # Nobody tells of it.
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0)


def test_known_bytes_need_no_parser() -> None:
    async def work(connection: Connection) -> tuple[list[str], list[bytes], Any]:
        for _ in range(3):
            connection.send(KNOWN)
        return await connection.answers(3), connection.read, connection.protocol

    answers, read, protocol = run(work, lookups=known())

    assert answers == ["memory body"] * 3
    assert read == []
    assert isinstance(protocol, ParserlessProtocol)


def test_other_bytes_make_it_a_usual_connection_which_is_counted_once() -> None:
    async def work(connection: Connection) -> tuple[list[str], list[Any]]:
        connection.send(KNOWN)
        connection.send(OTHER)
        answers = await connection.answers(2)
        return answers, list(connection.connections)

    answers, (protocol,) = run(work, lookups=known())

    assert answers == ["memory body", "app /other body"]
    assert isinstance(protocol, CachingProtocol)


def test_a_connection_that_ended_is_counted_no_more() -> None:
    async def work(connection: Connection) -> int:
        connection.send(KNOWN)
        connection.protocol.connection_lost(None)
        return len(connection.connections)

    assert run(work, lookups=known()) == 0


def test_an_answer_that_is_known_no_more_is_the_apps() -> None:
    async def work(connection: Connection) -> list[str]:
        connection.send(KNOWN)
        return await connection.answers(1)

    # There it is read, and known again.
    assert run(work, lookups=known(Forgotten)) == ["memory body"]


def test_a_client_that_takes_nothing_is_answered_when_it_does() -> None:
    async def work(connection: Connection) -> tuple[int, list[str]]:
        connection.send(KNOWN)
        connection.protocol.pause_writing()
        connection.send(KNOWN)
        for _ in range(10):
            await asyncio.sleep(0)
        before = b"".join(connection.transport.writes).count(b"HTTP/1.1 200")
        connection.protocol.resume_writing()
        return before, await connection.answers(2)

    assert run(work, lookups=known()) == (1, ["memory body", "app /known body"])


def test_a_client_that_takes_nothing_and_asks_for_more_is_cut_off_in_time() -> None:
    async def work(connection: Connection) -> None:
        connection.send(KNOWN)
        connection.protocol.pause_writing()
        connection.send(KNOWN)
        await until(lambda: connection.transport.is_closed)

    run(work, lookups=known(), idle_timeout_s=0.0)


def test_an_idle_connection_is_closed_in_time_also_after_answers() -> None:
    async def work(connection: Connection) -> bool:
        for _ in range(3):
            connection.send(KNOWN)
        await until(lambda: connection.transport.is_closed)
        return isinstance(connection.protocol, ParserlessProtocol)

    assert run(work, lookups=known(), keep_alive_s=0)


def test_the_oldest_that_nobody_waits_on_makes_room() -> None:
    async def work(first: Connection) -> list[bool]:
        others = [Connection(share=first) for _ in range(first.most)]
        return [each.transport.is_closed for each in (first, *others)]

    is_closed = run(work)

    assert is_closed == [True] + [False] * (len(is_closed) - 1)


def test_who_comes_while_all_are_busy_is_told() -> None:
    async def work(first: Connection) -> bytes:
        busy = [first, *(Connection(share=first) for _ in range(first.most - 1))]
        for each in busy:
            each.send(OTHER.replace(b"other", b"slow"))
        late = Connection(share=first)
        assert late.transport.is_closed
        assert not any(each.transport.is_closed for each in busy)
        return b"".join(late.transport.writes)

    assert run(work).startswith(b"HTTP/1.1 503 ")
