"""Shallow and partial clones: whatever git gets of its own http-backend, it gets of ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_backend import running_http_backend
from tests.support.place import Place
from tests.support.repositories import all_refs, git_bytes, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e

VERSIONS = [0, 1, 2]
DAY_S = 86_400
START = 1_700_000_000


def history() -> bytes:
    """Return a fast-import stream: twelve daily commits, one side branch merged, tags."""
    parts = []
    for number in range(12):
        who = f"Ann <ann@example.org> {START + number * DAY_S} +0000"
        small, big = f"{number}\n", f"{number}\n" * 2000
        parent = f"from :{number}\n" if number else ""
        merged = "merge :20\n" if number == 8 else ""
        parts.append(
            f"commit refs/heads/main\nmark :{number + 1}\ncommitter {who}\ndata 1\nx\n"
            f"{parent}{merged}M 100644 inline small.txt\ndata {len(small)}\n{small}\n"
            f"M 100644 inline folder/big-{number}.txt\ndata {len(big)}\n{big}\n"
        )
        if number == 5:
            parts.append(
                f"commit refs/heads/side\nmark :20\ncommitter {who}\ndata 1\ny\nfrom :4\n"
                f"M 100644 inline side.txt\ndata 5\nside\n\n"
            )
        if number in {3, 9}:
            parts.append(f"tag v{number}\nfrom :{number + 1}\ntagger {who}\ndata 1\nt\n")
    return "".join(parts).encode()


@pytest.fixture(scope="module")
def origin(disk: Place, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the history."""
    folder = new_work(tmp_path_factory.mktemp("history") / "work")
    git_bytes(folder, "fast-import", "--quiet", stdin=history())
    disk.add("history", folder)
    return disk.url("history")


@pytest.fixture(scope="module")
def plain(disk: Place, origin: str) -> Iterator[str]:
    """The URL of the same history, served by git's own http-backend."""
    root = disk.server.home / "repos"
    with running_http_backend(root, {"uploadpack.allowFilter": "true"}) as url:
        yield f"{url}alice/history.git"


def contents(folder: Path) -> tuple[str, list[str], str]:
    """Return refs, objects and shallow boundary of a clone."""
    objects = run_git(
        folder, "cat-file", "--batch-all-objects", "--batch-check", "--unordered"
    ).stdout.splitlines()
    gitdir = Path(run_git(folder, "rev-parse", "--absolute-git-dir").stdout.strip())
    shallow = gitdir / "shallow"
    boundary = "".join(sorted(shallow.read_text().splitlines())) if shallow.exists() else ""
    return all_refs(folder), sorted(objects), boundary


CLONES = {
    "depth": ["--depth=3"],
    "all-branches": ["--depth=2", "--no-single-branch"],
    "since": [f"--shallow-since={START + 7 * DAY_S + 1}"],
    "exclude": ["--shallow-exclude=v3"],
    "single": ["--single-branch", "--branch=side"],
    "tag": ["--branch=v9", "--depth=1"],
    "no-tags": ["--no-tags"],
    "bare": ["--bare"],
    "mirror": ["--mirror"],
    "blobless": ["--filter=blob:none", "--bare"],
    "treeless": ["--filter=tree:0", "--bare"],
    "small-blobs": ["--filter=blob:limit=1k", "--bare"],
    "blobless-and-shallow": ["--filter=blob:none", "--depth=2", "--bare"],
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", CLONES)
def test_clone_is_that_of_http_backend(
    origin: str, plain: str, tmp_path: Path, kind: str, version: int
) -> None:
    command = ("-c", f"protocol.version={version}", "clone", "--quiet", *CLONES[kind])

    run_git(tmp_path, *command, origin, "seen")

    run_git(tmp_path, *command, plain, "wanted")
    seen, wanted = contents(tmp_path / "seen"), contents(tmp_path / "wanted")
    assert seen == wanted
    assert seen[1]


def test_clone_of_which_nothing_is_left_is_refused_in_words(origin: str, tmp_path: Path) -> None:
    done = run_git(tmp_path, "clone", "--shallow-exclude=main", origin, "none", check=False)

    assert "no commits selected for shallow requests" in done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_shallow_clone_deepens_and_becomes_whole(
    origin: str, plain: str, tmp_path: Path, version: int
) -> None:
    steps = [["--deepen=2"], ["--depth=8"], [f"--shallow-since={START + DAY_S}"]]
    steps.append(["--unshallow"])
    command = ("-c", f"protocol.version={version}")
    for name, location in (("seen", origin), ("wanted", plain)):
        run_git(tmp_path, *command, "clone", "--quiet", "--depth=1", location, name)

    for step in steps:
        for name in ("seen", "wanted"):
            run_git(tmp_path / name, *command, "fetch", "--quiet", *step)
        assert contents(tmp_path / "seen") == contents(tmp_path / "wanted"), step

    run_git(tmp_path / "seen", "fsck", "--full", "--strict")
    assert run_git(tmp_path / "seen", "rev-parse", "--is-shallow-repository").stdout == "false\n"


def test_partial_clone_fetches_what_it_lacks(disk: Place, origin: str, tmp_path: Path) -> None:
    run_git(tmp_path, "clone", "--quiet", "--filter=tree:0", "--no-checkout", origin, "copy")

    run_git(tmp_path / "copy", "checkout", "--quiet", "main~6")
    run_git(tmp_path / "copy", "log", "--stat", "-p", "main")

    assert (tmp_path / "copy/folder/big-5.txt").read_text() == "5\n" * 2000


def test_shallow_repository_is_served(disk: Place, origin: str, tmp_path: Path) -> None:
    gitdir = disk.gitdir("shallow")
    run_git(tmp_path, "clone", "--quiet", "--mirror", "--depth=4", origin, str(gitdir))

    for number, location in enumerate((disk.url("shallow"), f"file://{gitdir}")):
        run_git(tmp_path, "clone", "--quiet", location, f"copy-{number}")

    assert contents(tmp_path / "copy-0") == contents(tmp_path / "copy-1")
    assert contents(tmp_path / "copy-0")[2]


def test_shallow_clone_can_push(disk: Place, origin: str, tmp_path: Path) -> None:
    shutil.copytree(disk.gitdir("history"), disk.gitdir("grown"))
    run_git(tmp_path, "clone", "--quiet", "--depth=1", disk.url("grown"), "copy")
    run_git(tmp_path / "copy", "commit", "--quiet", "--allow-empty", "-m", "on top")

    run_git(tmp_path / "copy", "push", "--quiet", "origin", "main")

    assert oid_of(disk.gitdir("grown"), "main") == oid_of(tmp_path / "copy", "main")
    assert run_git(disk.gitdir("grown"), "fsck", "--full", "--strict").stdout == ""
    assert not (disk.gitdir("grown") / "shallow").exists()
