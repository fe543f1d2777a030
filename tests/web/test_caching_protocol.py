"""What is known is answered where it was parsed; all else, and all that is odd, is the app's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from tests.web.test_coalescing_transport import Recorder
from wit_admin.web.cached_responses import CachedResponse, CompleteRequest, LookupCache
from wit_admin.web.caching_protocol import MAX_PIPELINED, CachingProtocol
from wit_admin.web.connections import Connections
from wit_admin.web.parserless_protocol import ConnectionContext, ParserlessProtocol
from wit_admin.web.strict_protocol import HeadLimits

KNOWN = b"POST /known HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
OTHER = b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer ``app`` and what was asked."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["raw_path"] == b"/slow":
        for _ in range(10):
            await asyncio.sleep(0)
    said = b"app %b %b;" % (scope["raw_path"], body[:10])
    head = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": said})


class Asked:
    """What is known of one address."""

    def __init__(self, request: CompleteRequest) -> None:
        self._body = request.body
        self.is_reusable = not any(name == b"authorization" for name, _ in request.headers)

    def find_response(self) -> CachedResponse | None:
        return CachedResponse(b"x-from: memory\r\n", b"memory %b;" % self._body)


class Readable(Recorder):
    """Takes note of the protocol besides."""

    protocol: asyncio.BaseProtocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Connection:
    """A client whose bytes come one piece at a time."""

    most = 3
    """Of one server's."""

    def __init__(
        self,
        *,
        keep_alive_s: int = 60,
        idle_timeout_s: float = 60.0,
        lookups: LookupCache | None = None,
        share: Connection | None = None,
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_keep_alive=keep_alive_s,
        )
        config.load()
        self.read: list[bytes] = []
        """What had to be parsed of the requests whose answers are known."""

        def ask(request: CompleteRequest) -> Asked | None:
            if request.url != b"/known":
                return None
            self.read.append(request.body)
            return Asked(request)

        known = LookupCache() if lookups is None else lookups
        patience_s = idle_timeout_s

        class Protocol(CachingProtocol):
            limits = HeadLimits(60.0, 65536)
            idle_timeout_s = patience_s
            read_lookup = staticmethod(ask)
            lookups = known

        state = ServerState()
        self.connections: Connections = share.connections if share else Connections(self.most)
        state.connections = self.connections  # type: ignore[assignment]  # enough of a set
        context = ConnectionContext(
            known,
            self.connections,
            state,
            lambda: Protocol(config, state, {}),
            first_request_timeout_s=60.0,
            keep_alive_s=keep_alive_s,
            idle_timeout_s=idle_timeout_s,
        )
        self.transport = Readable()
        self.transport.set_protocol(ParserlessProtocol(context, asyncio.get_running_loop()))
        self.protocol.connection_made(self.transport)

    @property
    def protocol(self) -> asyncio.Protocol:
        """What has the connection now."""
        protocol = self.transport.get_protocol()
        assert isinstance(protocol, asyncio.Protocol)
        return protocol

    def send(self, piece: bytes) -> None:
        if not self.transport.is_closed:
            self.protocol.data_received(piece)

    async def answers(self, count: int) -> list[str]:
        """Wait for so many answers, and return who gave them."""
        async with asyncio.timeout(30):
            # A transport tells nobody that it was written to.
            while b"".join(self.transport.writes).count(b";") < count:  # noqa: ASYNC110
                await asyncio.sleep(0)
        written = b"".join(self.transport.writes).decode()
        return re.findall(r"(?:app|memory) [^;]*", written)


def run(
    work: Callable[[Connection], Awaitable[Any]],
    *,
    keep_alive_s: int = 60,
    idle_timeout_s: float = 60.0,
    lookups: LookupCache | None = None,
) -> Any:
    async def main() -> Any:
        connection = Connection(
            keep_alive_s=keep_alive_s, idle_timeout_s=idle_timeout_s, lookups=lookups
        )
        try:
            return await work(connection)
        finally:
            connection.protocol.connection_lost(None)

    return asyncio.run(main())


def exchange(pieces: Sequence[bytes], count: int) -> list[str]:
    async def work(connection: Connection) -> list[str]:
        for piece in pieces:
            connection.send(piece)
            await asyncio.sleep(0)
        return await connection.answers(count)

    lookups = LookupCache()
    answers: list[str] = run(work, lookups=lookups)
    lookups.add(KNOWN, Asked(CompleteRequest(b"POST", b"/known", [], b"body")))
    # Whoever has the connection when it comes to it, they are the same.
    assert run(work, lookups=lookups) == answers
    return answers


def test_what_is_known_is_answered_and_the_connection_goes_on() -> None:
    assert exchange([KNOWN, OTHER, KNOWN], 3) == ["memory body", "app /other body", "memory body"]


def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    sent = OTHER + KNOWN + KNOWN + OTHER + KNOWN

    answers = exchange([sent], 5)

    # Behind one that the application has, the known ones wait for it there.
    assert [answer.split()[-1] for answer in answers] == ["body"] * 5
    assert ["/other" in answer for answer in answers] == [True, False, False, True, False]
    assert exchange([KNOWN + KNOWN + OTHER], 3) == [
        "memory body",
        "memory body",
        "app /other body",
    ]


def test_one_who_sends_many_ahead_does_not_keep_others_waiting() -> None:
    answers = exchange([KNOWN * (MAX_PIPELINED + 3), KNOWN], MAX_PIPELINED + 4)

    assert answers[:MAX_PIPELINED] == ["memory body"] * MAX_PIPELINED
    assert answers[MAX_PIPELINED] == "app /known body"


@pytest.mark.parametrize("request_", [KNOWN, OTHER])
def test_a_request_that_comes_in_two_pieces_is_answered_once_by_somebody(request_: bytes) -> None:
    for at in range(1, len(request_)):
        (answer,) = exchange([request_[:at], request_[at:]], 1)
        assert answer in {"memory body", "app /known body", "app /other body"}
        assert ("/other" in request_.decode()) == ("/other" in answer)


@pytest.mark.parametrize(
    "odd",
    [
        KNOWN.replace(b"Host: x", b"Host: x\r\nConnection: close"),
        KNOWN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        KNOWN.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"),
        b"GET /known HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"POST /known HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + b"body" * 5000,
    ],
    ids=["closing", "old", "expecting", "upgrade", "large"],
)
def test_what_is_odd_goes_the_usual_way(odd: bytes) -> None:
    (answer,) = exchange([odd], 1)

    assert answer.startswith("app /known ")


def test_what_follows_and_cannot_be_read_ends_the_connection_without_a_second_answer() -> None:
    async def work(connection: Connection) -> tuple[list[str], bytes, bool]:
        broken = b"POST /known HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        connection.send(KNOWN + broken)
        answers = await connection.answers(1)
        written = b"".join(connection.transport.writes)
        return answers, written, connection.transport.is_closed

    answers, written, is_closed = run(work)

    assert answers[0] == "memory body"
    assert written.count(b"HTTP/1.1 200") == 1
    assert written.count(b"HTTP/1.1 400") == 1
    assert is_closed


@pytest.mark.parametrize("target", [b"http://x", b"http://x:99999999/"])
def test_a_target_that_cannot_be_read_is_refused_although_its_body_is_not_here(
    target: bytes,
) -> None:
    async def work(connection: Connection) -> tuple[bytes, bool]:
        connection.send(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n" % target)
        await asyncio.sleep(0)
        return b"".join(connection.transport.writes), connection.transport.is_closed

    written, is_closed = run(work)

    assert written.startswith(b"HTTP/1.1 400 ")
    assert is_closed


def test_a_connection_is_not_idle_while_the_app_answers_what_came_behind_a_known_request() -> None:
    async def work(connection: Connection) -> list[str]:
        connection.send(KNOWN + OTHER.replace(b"other", b"slow"))
        return await connection.answers(2)

    assert run(work, keep_alive_s=0) == ["memory body", "app /slow body"]


def test_the_same_bytes_are_read_once_unless_they_hold_a_secret() -> None:
    secret = KNOWN.replace(b"Host: x", b"Host: x\r\nAuthorization: Bearer wit_x")

    async def work(connection: Connection) -> None:
        for request in (KNOWN, secret, KNOWN + KNOWN):
            connection.send(request)
        await connection.answers(4)

    lookups = LookupCache()
    run(work, lookups=lookups)

    assert list(lookups) == [KNOWN]


def test_known_bytes_within_a_body_are_no_request() -> None:
    around = b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (len(KNOWN) + 5)

    answers = exchange([KNOWN, around, KNOWN, b"after", KNOWN], 3)

    assert answers == ["memory body", "app /other POST /know", "memory body"]


def test_known_bytes_behind_half_a_head_are_a_part_of_it() -> None:
    answers = exchange([KNOWN, b"POST /other HTTP/1.1\r\nX: ", KNOWN, KNOWN], 3)

    assert answers == ["memory body", "app /other body", "memory body"]


def test_what_is_ahead_of_a_known_request_is_answered_first() -> None:
    async def work(connection: Connection) -> list[str]:
        for piece in (KNOWN, OTHER, KNOWN):
            connection.send(piece)
        return await connection.answers(3)

    answers = run(work)

    # The application has the second one still when the third comes, which waits for it.
    assert answers == ["memory body", "app /other body", "app /known body"]


def test_two_requests_in_one_piece_are_two_the_next_time_too() -> None:
    assert exchange([KNOWN + KNOWN, KNOWN + KNOWN], 4) == ["memory body"] * 4
