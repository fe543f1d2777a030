"""Connections that are slow, too large, or readable in two ways end with a status, not a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import wait_until
from tests.support.raw_http import RawClient, connected
from tests.support.server import RunningServer, run_git, running_server

pytestmark = pytest.mark.e2e

OK = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
ASKING = (
    b"POST /a/b/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Content-Type: application/x-git-upload-pack-request\r\nExpect: 100-continue\r\n\r\n"
)
"""Who sends this is told when the server waits for the body."""
POST = b"POST /livez HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_without_bugs(tmp_path_factory.mktemp("forge") / "home") as started:
        yield started


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Who is slow to send the first byte, because the machine is busy, must still be in time."""
    short = [("WIT_HEADER_TIMEOUT", "2"), ("WIT_KEEP_ALIVE", "0.5"), ("WIT_IDLE_TIMEOUT", "0.5")]
    home = tmp_path_factory.mktemp("impatient") / "home"
    with running_without_bugs(home, variables=short) as started:
        yield started


@contextmanager
def running_without_bugs(home: Path, **how: Any) -> Iterator[RunningServer]:
    with running_server(home, "--no-database", **how) as started:
        yield started
        log = home.with_suffix(".log").read_text()
        assert "Traceback" not in log, log


def answer(server: RunningServer, request: bytes) -> bytes:
    """Return all that the server sends until it closes the connection."""
    with connected(server.url) as client:
        # What it refuses it need not read to the end.
        with suppress(ConnectionResetError, BrokenPipeError):
            client.send(request)
        return client.read_to_end()


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1]) if raw else 0


def test_a_head_that_does_not_come_is_cut_although_bytes_come(impatient: RunningServer) -> None:
    slow = [(b"", 0), (b"GET", 408), (OK, 408), (OK + b"X-Slow: ", 408)]
    with ExitStack() as stack:
        clients = []
        for sent, _ in slow:
            clients.append(stack.enter_context(connected(impatient.url)))
            clients[-1].send(sent)
        dripping = stack.enter_context(connected(impatient.url))
        dripping.send(OK + b"X: ")

        wait_until(lambda: is_cut_at_the_next_byte(dripping))
        statuses = [status_of(client.read_to_end()) for client in clients]

    assert statuses == [status for _, status in slow]


def is_cut_at_the_next_byte(client: RawClient) -> bool:
    try:
        client.send(b"y")
    except OSError:
        return True
    return False


def test_an_idle_connection_is_closed_and_so_is_one_that_sends_an_unread_body(
    impatient: RunningServer,
) -> None:
    with connected(impatient.url) as idle, connected(impatient.url) as unread:
        idle.send(OK + b"\r\n")
        unread.send(POST + b"Content-Length: 1000\r\n\r\nfew")

        assert status_of(idle.read_to_end()) == 200
        assert status_of(unread.read_to_end()) == 405


def test_many_silent_connections_stop_nobody(server: RunningServer) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connected(server.url)).send(b"GET /")

        assert status_of(answer(server, OK + b"Connection: close\r\n\r\n")) == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (OK + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (OK + b"X: " + b"a" * 400_000, 431),
        (OK + b"X: y\r\n" * 200 + b"\r\n", 431),
        (OK + b"N" * 40_000 + b": y\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ],
)
def test_heads_that_cannot_be_served_get_their_status(
    server: RunningServer, request_: bytes, status: int
) -> None:
    raw = answer(server, request_)

    assert status_of(raw) == status
    assert raw.rstrip().endswith(b".")


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 4, 4\r\n\r\nabcd",
        b"Content-Length: +4\r\n\r\nabcd",
        b"Content-Length: 99999999999999999999999\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"X: a\r\n b\r\n\r\n",
        b"X: a\r\n\tb\r\n\r\n",
        b" X: a\r\n\r\n",
        b"X: a\nY: b\r\n\r\n",
        b"X: a\0b\r\n\r\n",
        b"Host: y\r\n\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(
    server: RunningServer, headers: bytes
) -> None:
    # A handler that reads its body, so that a bad chunk finds it waiting.
    head = b"POST /a/b/git-upload-pack HTTP/1.1\r\nHost: x\r\n"

    raw = answer(server, head + headers + b"GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n")

    assert status_of(raw) == 400
    assert raw.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in raw


def test_http_1_0_knows_no_chunks(server: RunningServer) -> None:
    head = b"POST /a/b/git-upload-pack HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert status_of(answer(server, head + b"0\r\n\r\n")) == 400


def test_http_1_1_needs_a_host(server: RunningServer) -> None:
    assert status_of(answer(server, b"GET /livez HTTP/1.1\r\n\r\n")) == 400
    assert status_of(answer(server, b"GET /livez HTTP/1.0\r\n\r\n")) == 200


def test_idle_connections_give_way_when_descriptors_run_out(tmp_path: Path) -> None:
    few = ("prlimit", "--nofile=256:256")
    with (
        running_server(tmp_path / "home", "--no-database", launcher=few) as started,
        ExitStack() as stack,
    ):
        crowd = [stack.enter_context(connected(started.url)) for _ in range(400)]

        status = status_of(answer(started, OK + b"Connection: close\r\n\r\n"))
        crowd[-1].send(OK + b"Connection: close\r\n\r\n")

        assert status == 200
        assert status_of(crowd[-1].read_to_end()) == 200
        assert process_files(started.process.pid) < 200


def process_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_who_comes_while_all_are_busy_is_told(tmp_path: Path) -> None:
    few, home = ("prlimit", "--nofile=128:128"), tmp_path / "home"
    run_git(tmp_path, "init", "--quiet", "--bare", str(home / "repos/a/b.git"))
    with (
        running_server(home, "--no-database", launcher=few) as started,
        ExitStack() as stack,
    ):
        crowd = [stack.enter_context(connected(started.url)) for _ in range(64)]
        for client in crowd:
            client.send(ASKING)
        # Whoever the server has not heard of yet would give way.
        assert all(client.read_some().startswith(b"HTTP/1.1 100 ") for client in crowd)

        refused = answer(started, OK + b"Connection: close\r\n\r\n")

    assert status_of(refused) == 503
    assert b"no room" in refused
