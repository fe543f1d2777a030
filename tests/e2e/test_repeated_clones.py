"""Who asks for what was asked before gets it without a git process, and only while it is true."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.accounts import make_account
from tests.support.place import Place, let_reads_grow_old
from tests.support.repositories import all_refs, commit, new_work, oid_of
from tests.support.server import run_git, running_server

pytestmark = pytest.mark.e2e

LARGE = 16 * 2**20
"""More than the kernel takes for a client that does not read."""


class Counted:
    """A public repository on a server whose git processes are counted."""

    def __init__(self, place: Place, name: str, calls: Path) -> None:
        self.place = place
        self.name = name
        self._calls = calls

    def packs_made(self) -> int:
        """Return how many fetches git has answered since the last question."""
        found = self._calls.read_text().split()
        self._calls.write_text("")
        return found.count("upload-pack") + found.count("pack-objects")

    def clone(self, folder: Path, *options: str) -> Path:
        """Clone anonymously."""
        url = self.place.server.remote(f"alice/{self.name}")
        run_git(Path("/"), "clone", "--quiet", *options, url, str(folder))
        return folder

    def push(self, work: Path) -> None:
        """Push the main branch as its owner."""
        run_git(work, "push", "--quiet", self.place.url(self.name), "main")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Path]]:
    folder = tmp_path_factory.mktemp("counted")
    calls, program = folder / "calls", folder / "git"
    calls.touch()
    program.write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    variables = [("WIT_GIT", str(program)), ("WIT_ANSWER_CACHE", "512m")]
    with running_server(folder / "home", variables=variables) as server:
        yield Place(server, make_account(server)), calls


@pytest.fixture
def counted(site: tuple[Place, Path], tmp_path: Path) -> Counted:
    place, calls = site
    found = Counted(place, f"demo-{uuid.uuid4().hex[:8]}", calls)
    work = new_work(tmp_path / "work")
    for number in range(5):
        commit(work, f"text {number}")
    found.push(work)
    place.server.admin("repo", "visibility", f"alice/{found.name}", "public")
    # What git can do is asked of it once.
    run_git(work, "ls-remote", place.url(found.name))
    found.packs_made()
    return found


def test_a_clone_made_before_needs_no_process_and_counts_again(
    counted: Counted, tmp_path: Path
) -> None:
    counted.clone(tmp_path / "first")
    first = counted.packs_made()
    counted.clone(tmp_path / "second")
    counted.clone(tmp_path / "shallow", "--depth=1", "--no-local")
    third = counted.packs_made()

    assert (first, third) == (1, 1)
    assert all_refs(tmp_path / "second") == all_refs(tmp_path / "first")
    run_git(tmp_path / "second", "fsck", "--full", "--strict")
    assert counted.place.clones(counted.name) == 3


def test_a_push_ends_what_was_remembered(counted: Counted, tmp_path: Path) -> None:
    counted.clone(tmp_path / "before")
    tip = commit(tmp_path / "work", "newer")

    counted.push(tmp_path / "work")
    counted.clone(tmp_path / "after")
    run_git(tmp_path / "before", "pull", "--quiet")

    assert oid_of(tmp_path / "after", "HEAD") == tip
    assert oid_of(tmp_path / "before", "HEAD") == tip


def test_settings_end_what_was_remembered(counted: Counted, tmp_path: Path) -> None:
    gitdir = counted.place.gitdir(counted.name)
    counted.clone(tmp_path / "before")

    run_git(gitdir, "config", "user.name", "somebody")
    counted.packs_made()
    counted.clone(tmp_path / "after")

    assert counted.packs_made() == 1


def test_a_repository_that_is_private_again_is_given_to_nobody(
    counted: Counted, tmp_path: Path
) -> None:
    counted.clone(tmp_path / "before")
    counted.place.server.admin("repo", "visibility", f"alice/{counted.name}", "private")
    let_reads_grow_old()

    url = counted.place.server.remote(f"alice/{counted.name}")
    refused = run_git(Path("/"), "clone", url, str(tmp_path / "after"), check=False)

    assert refused.returncode == 128
    assert not (tmp_path / "after").exists()


def test_a_repository_made_anew_under_its_name_is_served_anew(
    counted: Counted, tmp_path: Path
) -> None:
    gitdir = counted.place.gitdir(counted.name)
    counted.clone(tmp_path / "before")
    other = new_work(tmp_path / "other")
    tip = commit(other, "of another history")

    shutil.rmtree(gitdir)
    run_git(tmp_path, "clone", "--quiet", "--bare", str(other), str(gitdir))
    counted.clone(tmp_path / "after")

    assert oid_of(tmp_path / "after", "HEAD") == tip


def test_who_leaves_in_the_middle_of_a_remembered_clone_is_not_counted(
    counted: Counted, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    (work / "large").write_bytes(os.urandom(LARGE))
    run_git(work, "add", "large")
    commit(work, "with a large file")
    counted.push(work)
    counted.clone(tmp_path / "first")
    body = _request(counted.name, oid_of(work, "HEAD"))
    with socket.create_connection(_address(counted.place)) as client:
        client.sendall(body)
        whole = b"".join(iter(lambda: client.recv(2**20), b""))
    counted.packs_made()

    with socket.create_connection(_address(counted.place)) as client:
        client.sendall(body)
        begun = client.recv(100)
    counted.place.assert_tidy()

    assert len(whole) > LARGE
    assert begun.startswith(b"HTTP/1.1 200")
    assert counted.packs_made() == 0
    assert counted.place.clones(counted.name) == 2


def _request(name: str, tip: str) -> bytes:
    lines = ("command=fetch", "ofs-delta", f"want {tip}\n", "done\n")
    content = "".join(f"{len(line) + 4:04x}{line}" for line in lines[:1])
    content += "0001" + "".join(f"{len(line) + 4:04x}{line}" for line in lines[1:]) + "0000"
    head = (
        f"POST /alice/{name}/git-upload-pack HTTP/1.1\r\nHost: localhost\r\n"
        "Git-Protocol: version=2\r\nConnection: close\r\n"
        "Content-Type: application/x-git-upload-pack-request\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return (head + content).encode()


def _address(place: Place) -> tuple[str, int]:
    host, _, port = place.server.url.removeprefix("http://").strip("/").partition(":")
    return host, int(port)
