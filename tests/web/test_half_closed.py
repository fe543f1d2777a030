"""A client that has sent its last request and says so is answered, if that does not take long."""

from __future__ import annotations

import asyncio
import time

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from wit_admin.web.strict_protocol import HeadLimits, StrictProtocol

HEAD = b" HTTP/1.1\r\nHost: x\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, soon, or never."""
    if scope["path"] == "/never":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    if scope["path"] == "/soon":
        await asyncio.sleep(0.05)
    body = b"answer to " + scope["raw_path"]
    head = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


class Protocol(StrictProtocol):
    limits = HeadLimits(60.0, 65536)
    idle_timeout_s = 60.0
    left_patience_s = 0.5


def ask(request: bytes) -> bytes:
    """Send a request and the end of all requests, and return all that comes."""

    async def run() -> bytes:
        config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Protocol(config, state, {}), host="127.0.0.1", port=0
        )
        async with server, asyncio.timeout(30):
            host, port = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request)
            writer.write_eof()
            received = await reader.read()
            writer.close()
            return received

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


@pytest.mark.parametrize("path", [b"/at-once", b"/soon"])
def test_client_that_will_ask_nothing_more_gets_its_answer(path: bytes) -> None:
    assert ask(b"GET " + path + HEAD + b"\r\n").endswith(b"answer to " + path)


def test_requests_sent_ahead_are_all_answered() -> None:
    answers = ask((b"GET /soon" + HEAD + b"\r\n") * 3 + b"GET /at-once" + HEAD + b"\r\n")

    assert answers.count(b"answer to /soon") == 3
    assert answers.endswith(b"answer to /at-once")


def test_answer_that_does_not_begin_is_given_up() -> None:
    started = time.monotonic()

    assert ask(b"GET /never" + HEAD + b"\r\n") == b""
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    "request_", [b"GET /soon", b"POST /never" + HEAD + b"Content-Length: 9\r\n\r\nbody"]
)
def test_request_that_breaks_off_is_none(request_: bytes) -> None:
    assert ask(request_) == b""
