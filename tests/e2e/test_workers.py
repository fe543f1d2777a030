"""Several worker processes: they share a port, are replaced, drain, and end with their parent."""

from __future__ import annotations

import contextlib
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import children_of, is_receiving, is_running, wait_until
from tests.support.raw_http import END_OF_PUSH, RawClient, begin_push, connected
from tests.support.repositories import git_bytes, oid_of
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.git.pktline import write_packet

pytestmark = pytest.mark.e2e


@contextmanager
def workers(tmp_path: Path, count: int, *flags: str) -> Iterator[RunningServer]:
    home = tmp_path / "home"
    run_git(tmp_path, "init", "--quiet", "--bare", str(home / "repos/alice/demo.git"))
    with running_server(
        home, f"--workers={count}", "--no-database", "--anonymous-push", *flags
    ) as server:
        yield server


def is_alive(server: RunningServer) -> bool:
    with urllib.request.urlopen(server.url + "livez", timeout=60) as answer:
        return bool(answer.status == 200)


def grandchildren_of(parent: int) -> list[int]:
    return [pid for child in children_of(parent) for pid in children_of(child)]


def git_children(server: RunningServer) -> list[int]:
    """Return the receiving children of the server itself or of its workers."""
    pid = server.process.pid
    return [pid for pid in (*children_of(pid), *grandchildren_of(pid)) if is_receiving(pid)]


def is_refused(server: RunningServer) -> bool:
    try:
        with connected(server.url):
            return False
    except (ConnectionRefusedError, ConnectionResetError):
        return True


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(tmp_path: Path) -> None:
    with workers(tmp_path, 2) as server:
        first, second = children_of(server.process.pid)

        for victim in (first, second):
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: not is_running(victim))  # noqa: B023  waited for at once
            assert is_alive(server)

        wait_until(lambda: len(children_of(server.process.pid)) == 2)
        assert not {first, second} & set(children_of(server.process.pid))


@pytest.mark.parametrize("count", [1, 2])
def test_sigterm_closes_the_door_and_lets_a_running_push_end(tmp_path: Path, count: int) -> None:
    with workers(tmp_path, count) as server, connected(server.url) as client:
        started = children_of(server.process.pid)
        begin_push(client)
        wait_until(lambda: git_children(server))

        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(server))
        client.send(END_OF_PUSH)

        assert client.read_to_end().startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(timeout=60) == 0
        assert not any(is_running(pid) for pid in started)


@pytest.mark.parametrize("count", [1, 2])
def test_second_signal_ends_at_once(tmp_path: Path, count: int) -> None:
    with workers(tmp_path, count, "--drain-timeout=600") as server:
        with connected(server.url) as client:
            begin_push(client)
            wait_until(lambda: git_children(server))
            left = [*children_of(server.process.pid), *grandchildren_of(server.process.pid)]
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: is_refused(server))

            server.process.send_signal(signal.SIGTERM)

            assert server.process.wait(timeout=60) == 0
        assert not any(is_running(pid) for pid in left)


def begin_clone(server: RunningServer, client: RawClient) -> None:
    """Ask for a clone that the kernel has no room for, and read nothing of it but the head."""
    gitdir = server.home / "repos/alice/demo.git"
    content = os.urandom(16 * 2**20)
    head = b"commit refs/heads/large\ncommitter A <a@example.org> 1 +0000\ndata 0\n"
    stream = head + b"M 100644 inline file\ndata %d\n%b\n" % (len(content), content)
    git_bytes(gitdir, "fast-import", "--quiet", stdin=stream)
    want = write_packet(f"want {oid_of(gitdir, 'large')}\n".encode())
    body = want + b"0000" + write_packet(b"done\n")
    client.send(
        b"POST /alice/demo/git-upload-pack HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/x-git-upload-pack-request\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert client.read_some().startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("count", [1, 2])
def test_drain_timeout_cuts_what_does_not_end(tmp_path: Path, count: int) -> None:
    with workers(tmp_path, count, "--drain-timeout=0.2") as server:
        with connected(server.url) as client, connected(server.url) as other:
            begin_clone(server, other)
            begin_push(client)
            wait_until(lambda: git_children(server))
            left = [*children_of(server.process.pid), *grandchildren_of(server.process.pid)]

            server.process.send_signal(signal.SIGTERM)

            assert server.process.wait(timeout=60) == 0
        assert not any(is_running(pid) for pid in left)
        log = server.home.with_suffix(".log").read_text()
        assert log.count("Some requests did not end in time") >= 1
        assert " ERROR " not in log


def test_workers_and_git_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    with workers(tmp_path, 2, "--drain-timeout=600") as server, connected(server.url) as client:
        begin_push(client)
        wait_until(lambda: git_children(server))
        left = [*children_of(server.process.pid), *grandchildren_of(server.process.pid)]

        server.process.kill()

        wait_until(lambda: not any(is_running(pid) for pid in left))
        assert len(left) == 3


def test_ctrl_c_on_a_terminal_drains_once(tmp_path: Path) -> None:
    """Every process of the terminal gets the signal; the workers must not count it twice."""
    with workers(tmp_path, 2) as server, connected(server.url) as client:
        begin_push(client)
        wait_until(lambda: git_children(server))

        for pid in (server.process.pid, *children_of(server.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        wait_until(lambda: is_refused(server))
        client.send(END_OF_PUSH)

        assert client.read_to_end().startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(timeout=60) == 0
