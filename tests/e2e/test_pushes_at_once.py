"""Pushes beside each other, and beside whatever tidies the repository up."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.raw_http import RawClient, connected
from tests.support.repositories import commit, git_bytes, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e

AT_ONCE = 16
ROUNDS = 12


def push_all(places: list[Path], url: str, refspec: str) -> list[subprocess.CompletedProcess[str]]:
    with ThreadPoolExecutor(len(places)) as pool:
        return list(
            pool.map(lambda folder: run_git(folder, "push", url, refspec, check=False), places)
        )


def is_rejected(pushed: subprocess.CompletedProcess[str]) -> bool:
    """Tell a clean rejection: by the server, or by a late client that saw the winner's ref."""
    return pushed.returncode == 1 and bool(
        re.search(r"^ ! \[(remote )?rejected\] +main -> main \(", pushed.stderr, re.MULTILINE)
    )


def test_first_pushes_at_once_have_one_winner_and_clean_rejections(
    alice: Place, tmp_path: Path
) -> None:
    folders = [new_work(tmp_path / str(number)) for number in range(AT_ONCE)]
    for folder in folders:
        commit(folder, folder.name)

    results = push_all(folders, alice.url("race"), "main")

    winners = [result for result in results if result.returncode == 0]
    rejected = [result for result in results if is_rejected(result)]
    assert (len(winners), len(rejected)) == (1, AT_ONCE - 1), results
    loser = next(
        place for place, result in zip(folders, results, strict=True) if is_rejected(result)
    )
    late = run_git(loser, "push", alice.url("race"), "main", check=False)
    assert is_rejected(late), late.stderr
    assert len(alice.pushes("race")) == 1
    assert oid_of(alice.gitdir("race"), "main") in {oid_of(folder, "main") for folder in folders}


def test_first_pushes_at_once_to_different_refs_all_win(alice: Place, work: Path) -> None:
    branches = [f"topic-{number}" for number in range(8)]

    with ThreadPoolExecutor(len(branches)) as pool:
        results = list(
            pool.map(
                lambda name: run_git(
                    work, "push", alice.url("shared"), f"main:{name}", check=False
                ),
                branches,
            )
        )

    assert [result.returncode for result in results] == [0] * len(branches), results
    assert {row.ref for row in alice.pushes("shared")} == {f"refs/heads/{b}" for b in branches}
    row = alice.row("shared")
    head = run_git(alice.gitdir("shared"), "symbolic-ref", "--short", "HEAD").stdout.strip()
    assert row is not None
    assert row.default_branch == head
    assert head in branches


@contextmanager
def repeating(gitdir: Path, *commands: tuple[str, ...]) -> Iterator[list[str]]:
    """Run git commands in the repository over and over; yield the complaints."""
    done, complaints = threading.Event(), list[str]()

    def work() -> None:
        while not done.is_set():
            for command in commands:
                result = run_git(gitdir, *command, check=False)
                if result.returncode != 0:
                    complaints.append(result.stderr)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield complaints
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "commands",
    [
        [("pack-refs", "--all")],
        [("repack", "-q", "-a", "-d")],
        [("prune-packed", "-q")],
        [("gc", "--quiet")],
    ],
    ids=lambda commands: commands[0][0],
)
def test_pushes_beside_maintenance_are_not_refused(
    alice: Place, work: Path, commands: list[tuple[str, ...]]
) -> None:
    name = f"beside-{commands[0][0]}"
    url = alice.url(name)
    run_git(work, "push", "--quiet", url, "main")

    with repeating(alice.gitdir(name), *commands):
        for number in range(ROUNDS):
            commit(work, f"change {number}")
            pushed = run_git(work, "push", url, "main", f"main:refs/heads/b{number}", check=False)
            removed = run_git(work, "push", url, f":b{number}", check=False)

            assert (pushed.returncode, removed.returncode) == (0, 0), pushed.stderr + removed.stderr

    assert len(alice.pushes(name)) == 1 + 3 * ROUNDS
    assert oid_of(alice.gitdir(name), "main") == oid_of(work, "main")
    assert run_git(alice.gitdir(name), "fsck", "--full", "--strict").stdout == ""


def push_request(alice: Place, name: str, body: bytes) -> tuple[bytes, bytes]:
    """Return the head of a request that pushes by hand, and its body as one chunk."""
    head = (
        f"POST /alice/{name}/git-receive-pack HTTP/1.1\r\nHost: wit\r\n"
        f"Authorization: Bearer {alice.token}\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\nConnection: close\r\n\r\n"
    )
    return head.encode(), b"%x\r\n%b\r\n" % (len(body), body)


def commands_of(oid: str, branch: str) -> bytes:
    line = f"{'0' * 40} {oid} refs/heads/{branch}\0report-status".encode()
    return b"%04x%b0000" % (len(line) + 4, line)


def start(client: RawClient, alice: Place, name: str, commands: bytes) -> None:
    head, chunk = push_request(alice, name, commands)
    client.send(head + chunk)


def test_failed_push_does_not_take_the_repository_from_under_another(
    alice: Place, work: Path
) -> None:
    """Both are the first; one sends a broken pack while the other is still sending."""
    oid = oid_of(work, "main")
    pack = git_bytes(work, "pack-objects", "--all", "--stdout", "-q")
    with connected(alice.server.url) as slow, connected(alice.server.url) as broken:
        start(slow, alice, "contested", commands_of(oid, "main"))
        while not alice.gitdir("contested").exists():
            pass
        start(broken, alice, "contested", commands_of("1" * 40, "side"))
        broken.send(b"7\r\ngarbage\r\n0\r\n\r\n")
        refused = broken.read_to_end()

        slow.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(pack), pack))
        accepted = slow.read_to_end()

    assert b"unpack ok" not in refused
    assert b"ok refs/heads/main" in accepted
    assert oid_of(alice.gitdir("contested"), "main") == oid
    assert [row.after for row in alice.pushes("contested")] == [oid]
