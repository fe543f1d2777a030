"""A machine without the git program: dulwich serves, and clients hardly notice."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_push_and_clone import activities, post
from tests.support.accounts import make_account
from tests.support.repositories import commit
from tests.support.server import RunningServer, run_git, running_server

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    home = tmp_path_factory.mktemp("forge") / "home"
    with running_server(home, variables=[("PATH", "/nonexistent")]) as started:
        yield started


@pytest.fixture(scope="module")
def token(server: RunningServer) -> str:
    return make_account(server)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=trunk")
    for number in range(20):
        commit(folder, f"change {number}")
    return folder


def test_server_says_that_git_is_missing(server: RunningServer) -> None:
    log = server.home.with_suffix(".log").read_text(encoding="utf-8")

    assert "there is no git program" in log


def test_push_clone_and_fetch_work_and_are_recorded(
    server: RunningServer, token: str, work: Path, tmp_path: Path
) -> None:
    url = server.remote("alice/demo", token=token)
    run_git(work, "tag", "-a", "-m", "one", "v1")

    run_git(work, "push", "--quiet", url, "trunk", "v1")
    run_git(tmp_path, "clone", "--quiet", url, "copy")
    latest = commit(work, "one more")
    run_git(work, "push", "--quiet", url, "trunk", ":refs/tags/v1")
    run_git(tmp_path / "copy", "fetch", "--quiet")

    assert run_git(tmp_path / "copy", "rev-parse", "origin/trunk").stdout.strip() == latest
    run_git(tmp_path / "copy", "fsck", "--full", "--strict")
    assert len(activities(server, "alice/demo", "push")) == 4
    assert len(activities(server, "alice/demo", "clone")) == 1
    (row,) = json.loads(server.admin("repo", "list", "--json"))
    assert row["default_branch"] == "trunk"


def test_forced_push_needs_force_and_stale_one_is_refused(
    server: RunningServer, token: str, work: Path
) -> None:
    url = server.remote("alice/forced", token=token)
    run_git(work, "push", "--quiet", url, "trunk")
    run_git(work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten")

    refused = run_git(work, "push", url, "trunk", check=False)
    run_git(work, "push", "--quiet", "--force", url, "trunk")

    assert refused.returncode == 1
    assert len(activities(server, "alice/forced", "push")) == 2


def test_commit_without_its_tree_is_refused(
    server: RunningServer, token: str, work: Path, tmp_path: Path
) -> None:
    url = server.remote("alice/torn", token=token)
    run_git(work, "push", "--quiet", url, "trunk")
    head = run_git(work, "cat-file", "commit", "HEAD").stdout
    torn = tmp_path / "torn.txt"
    torn.write_text(head.replace(head.split()[1], "1" * 40), encoding="utf-8")
    bad = run_git(
        work, "hash-object", "--literally", "-t", "commit", "-w", str(torn)
    ).stdout.strip()
    run_git(work, "update-ref", "refs/heads/torn", bad)

    # Stock git would not send it; a client that does is played by one told to believe.
    pack = run_git_bytes(work, f"{bad}\n".encode())
    line = f"{'0' * 40} {bad} refs/heads/torn\0report-status".encode()
    body = b"%04x%b0000" % (len(line) + 4, line) + pack
    status, answer = post(
        server.remote("alice/torn/git-receive-pack"),
        body,
        {
            "Content-Type": "application/x-git-receive-pack-request",
            "Authorization": f"Bearer {token}",
        },
    )

    assert status == 200
    assert b"ng refs/heads/torn missing necessary objects" in answer
    assert "torn" not in run_git(work, "ls-remote", url).stdout


def test_hidden_refs_stay_hidden(server: RunningServer, token: str, work: Path) -> None:
    url = server.remote("alice/hidden", token=token)
    run_git(work, "push", "--quiet", url, "trunk")
    gitdir = server.home / "repos/alice/hidden.git"
    run_git(gitdir, "update-ref", "refs/wit/keep", "refs/heads/trunk")

    assert "refs/wit" not in run_git(work, "ls-remote", url).stdout
    assert run_git(work, "push", url, "trunk:refs/wit/mine", check=False).returncode != 0


def run_git_bytes(folder: Path, names: bytes) -> bytes:
    return subprocess.run(
        ["git", "-C", str(folder), "pack-objects", "--stdout", "-q"],
        input=names,
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    ).stdout
