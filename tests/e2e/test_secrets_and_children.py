"""What git children are given, how they end, and that no secret is written anywhere."""

from __future__ import annotations

import base64
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.accounts import make_account
from tests.support.kernel import unreaped_children_of
from tests.support.listing import contents_below
from tests.support.packs import BLOB, commit_with, oid_of
from tests.support.processes import children_of, is_running, open_files, wait_until
from tests.support.raw_answers import ask, request
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.git.pktline import write_packet

pytestmark = pytest.mark.e2e

PASSWORD = "correct-horse-battery-staple"
CANARY = "canary-of-the-servers-environment"
CHILD_MEMORY = 300 * 1024**2
BIG = os.urandom(24 * 1024**2)
"""More than fits into the pipes and buffers between a child and its client."""


@dataclass(frozen=True, slots=True)
class Forge:
    server: RunningServer
    token: str
    session_folder: Path

    def headers(self, service: str, length: int) -> bytes:
        path = f"/alice/big/git-{service}".encode()
        known = f"Authorization: Bearer {self.token}".encode()
        kind = f"Content-Type: application/x-git-{service}-request".encode()
        return request(b"POST", path, known, kind, length=length)

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        address = urlsplit(self.server.url)
        with socket.create_connection((address.hostname, address.port), 60) as opened:
            yield opened


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    folder = tmp_path_factory.mktemp("forge")
    variables = [
        ("WIT_CHILD_MEMORY", str(CHILD_MEMORY)),
        ("WIT_LOG_LEVEL", "debug"),
        ("DATABASE_URL", f"sqlite:///{folder}/home/secret-{CANARY}.db"),
        ("SOME_SECRET", CANARY),
    ]
    with running_server(folder / "home", variables=variables) as server:
        token = make_account(server, password=PASSWORD)
        work = folder / "work"
        work.mkdir()
        run_git(work, "init", "--quiet", "--initial-branch=main")
        (work / "big").write_bytes(BIG)
        run_git(work, "add", "big")
        run_git(work, "commit", "--quiet", "-m", "big")
        run_git(work, "push", "--quiet", server.remote("alice/big", token=token), "main")
        yield Forge(server, token, folder)


def all_children(parent: int) -> list[int]:
    found = children_of(parent)
    return [*found, *(pid for child in found for pid in all_children(child))]


@contextmanager
def children_at_work(forge: Forge, sent: bytes) -> Iterator[list[int]]:
    """Send a part of a transfer, and yield the two processes that it takes."""
    pid = forge.server.process.pid
    # Those of a transfer before are about to end.
    wait_until(lambda: not all_children(pid))
    with forge.connection() as connection:
        connection.sendall(sent)
        wait_until(lambda: len(all_children(pid)) >= 2)
        yield all_children(pid)


@contextmanager
def half_a_push(forge: Forge) -> Iterator[list[int]]:
    """Begin a push and stop in the middle of its pack; yield the children at work on it."""
    oid, pack = commit_with((BLOB, BIG), root=[("100644", "a", oid_of(BLOB, BIG))])
    line = f"{'0' * 40} {oid} refs/heads/half\0report-status".encode()
    body = write_packet(line) + b"0000" + pack
    sent = forge.headers("receive-pack", len(body)) + body[: len(body) // 2]
    with children_at_work(forge, sent) as children:
        yield children


@contextmanager
def half_a_clone(forge: Forge) -> Iterator[list[int]]:
    """Ask for a clone and stop reading in its middle; yield the children at work on it."""
    head = run_git(forge.session_folder / "work", "rev-parse", "HEAD").stdout.strip()
    want = write_packet(f"want {head}\n".encode())
    body = want + b"0000" + write_packet(b"done\n")
    with children_at_work(forge, forge.headers("upload-pack", len(body)) + body) as children:
        yield children


Half = Callable[[Forge], AbstractContextManager[list[int]]]


@pytest.mark.parametrize("half", [half_a_push, half_a_clone])
def test_children_know_nothing_of_the_server(forge: Forge, half: Half) -> None:
    with half(forge) as children:
        assert children
        for pid in children:
            environment = Path(f"/proc/{pid}/environ").read_bytes().decode()
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
            opened = open_files(pid)

            assert opened
            for secret in (CANARY, forge.token, PASSWORD, "DATABASE_URL", "WIT_"):
                assert secret not in environment
                assert secret not in arguments
            assert not [name for name in opened if name.startswith("socket:") or ".db" in name]


def test_memory_of_children_and_theirs_is_limited(forge: Forge) -> None:
    with half_a_push(forge) as children:
        limits = [Path(f"/proc/{pid}/limits").read_text() for pid in children]

        assert len(children) >= 2
        for text in limits:
            found = re.search(r"^Max data size\s+(\d+)", text, re.MULTILINE)
            assert found
            assert int(found[1]) == CHILD_MEMORY


@pytest.mark.parametrize("half", [half_a_push, half_a_clone])
def test_children_end_soon_after_their_client(forge: Forge, half: Half) -> None:
    with half(forge) as children:
        assert all(is_running(pid) for pid in children)

    wait_until(lambda: not any(is_running(pid) for pid in children))
    wait_until(lambda: not unreaped_children_of(forge.server.process.pid))
    gitdir = forge.server.home / "repos/alice/big.git"
    wait_until(lambda: not list(gitdir.glob("objects/tmp_objdir-*")))
    assert not (gitdir / "refs/heads/half").exists()


def test_secrets_are_written_nowhere(forge: Forge) -> None:
    server = forge.server
    secrets = [forge.token, PASSWORD, "wit_" + "w" * 40, "wrong-password"]
    session_of = [f"Bearer {secret}" for secret in secrets]
    session_of += [
        "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
        for secret in secrets
        for name in ("alice", secret, "nobody")
    ]
    session_of += [f"Garbage {secret}" for secret in secrets]
    for value in session_of:
        for path in (
            "/alice/big/info/refs?service=git-upload-pack",
            "/alice/none/git-receive-pack",
        ):
            ask(server.url, request(b"GET", path.encode(), f"Authorization: {value}".encode()))
    for secret in secrets:
        remote = server.remote("alice/big", token=f"alice:{secret}")
        run_git(forge.session_folder / "work", "push", remote, "main:side", check=False)
        run_git(forge.session_folder / "work", "ls-remote", remote, check=False)

    written = server.home.with_suffix(".log").read_bytes()
    for file, content in contents_below(server.home):
        if "objects" not in file.parts:
            written += content
    assert b"alice" in written
    for secret in [*secrets, *(value.partition(" ")[2] for value in session_of)]:
        assert secret.encode() not in written, secret
