"""Repositories whose folder an attacker may write: nothing of theirs runs, leaks or hangs."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.server import RunningServer, run_git, running_server

pytestmark = pytest.mark.e2e

HOOKS = [
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout",
    "post-commit", "post-index-change", "post-merge", "post-receive", "post-rewrite",
    "post-update", "pre-auto-gc", "pre-commit", "pre-push", "pre-receive", "proc-receive",
    "push-to-checkout", "reference-transaction", "sendemail-validate", "update",
]  # fmt: skip
CONFIG = """
[core]
    fsmonitor = "{run}"
    sshCommand = "{run}"
    hooksPath = "{hooks}"
    alternateRefsCommand = "{run}"
    gitProxy = "{run}"
    pager = "{run}"
    editor = "{run}"
    askPass = "{run}"
    attributesFile = "{attributes}"
[pager]
    upload-pack = "{run}"
    receive-pack = "{run}"
    rev-list = "{run}"
[alias]
    upload-pack = "!{run}"
    receive-pack = "!{run}"
    index-pack = "!{run}"
    rev-list = "!{run}"
[uploadpack]
    packObjectsHook = "{run}"
    allowAnySHA1InWant = true
[gpg]
    program = "{run}"
[gpg "openpgp"]
    program = "{run}"
[gpg "ssh"]
    program = "{run}"
    defaultKeyCommand = "{run}"
[gpg "x509"]
    program = "{run}"
[filter "evil"]
    clean = "{run}"
    smudge = "{run}"
    process = "{run}"
    required = true
[diff]
    external = "{run}"
[diff "evil"]
    command = "{run}"
    textconv = "{run}"
[merge "evil"]
    driver = "{run}"
[credential]
    helper = "!{run}"
[trailer "evil"]
    command = "{run}"
    cmd = "{run}"
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[receive]
    denyCurrentBranch = updateInstead
    procReceiveRefs = refs/for
    certNonceSeed = x
    autogc = true
[gc]
    auto = 1
    autoDetach = false
"""
PROMISOR = """
[extensions]
    partialClone = evil
[remote "evil"]
    promisor = true
    partialCloneFilter = blob:none
    url = "ext::{run}"
    uploadpack = "{run}"
    vcs = "evil"
"""


@dataclass(frozen=True, slots=True)
class Trap:
    """A program that leaves a file where it ran, and what names it."""

    folder: Path

    @property
    def canary(self) -> Path:
        return self.folder / "it-ran"

    @property
    def program(self) -> Path:
        return self.folder / "program"

    def arm(self, gitdir: Path, config: str = CONFIG) -> None:
        self.folder.mkdir()
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.canary}\nexit 1\n')
        self.program.chmod(0o755)
        (self.folder / "attributes").write_text("* filter=evil diff=evil merge=evil\n")
        for folder in (gitdir / "hooks", self.folder / "hooks"):
            folder.mkdir(exist_ok=True)
            for name in HOOKS:
                shutil.copy(self.program, folder / name)
        (gitdir / "info").mkdir(exist_ok=True)
        shutil.copy(self.folder / "attributes", gitdir / "info/attributes")
        run_git(gitdir, "config", "core.repositoryFormatVersion", "1")
        places = {"hooks": self.folder / "hooks", "attributes": self.folder / "attributes"}
        with (gitdir / "config").open("a") as file:
            file.write(config.format(run=self.program, **places))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    home = tmp_path_factory.mktemp("forge") / "home"
    with running_server(home, "--no-database", "--anonymous-push") as started:
        yield started


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    return commit(folder, "first")


def commit(folder: Path, text: str) -> Path:
    (folder / "file.txt").write_text(text, encoding="utf-8")
    run_git(folder, "add", "file.txt")
    run_git(folder, "commit", "--quiet", "-m", text)
    return folder


def place(server: RunningServer, work: Path, name: str, *, bare: bool = True) -> Path:
    """Copy ``work`` below the root of the server; return its git folder."""
    target = server.home / "repos/alice" / (f"{name}.git" if bare else name)
    run_git(work, "clone", "--quiet", *(["--bare"] if bare else []), str(work), str(target))
    return target if bare else target / ".git"


def use(server: RunningServer, work: Path, name: str, copy: Path) -> list[int]:
    """Clone, fetch by id and push all that can be pushed; return git's exit codes."""
    url = server.remote(f"alice/{name}")
    clone = run_git(copy.parent, "clone", "--quiet", url, str(copy), check=False)
    head = run_git(work, "rev-parse", "HEAD").stdout.strip()
    fetch = run_git(work, "fetch", "--quiet", url, head, check=False)
    commit(work, "second")
    pushes = [
        run_git(work, "push", url, refspec, check=False)
        for refspec in ("HEAD:refs/heads/side", "HEAD:refs/heads/main", "HEAD:refs/for/main")
    ]
    return [result.returncode for result in (clone, fetch, *pushes)]


@pytest.mark.parametrize("bare", [True, False])
def test_nothing_that_a_repository_names_is_run(
    server: RunningServer, work: Path, tmp_path: Path, bare: bool
) -> None:
    name = f"trap-{bare}".lower()
    trap = Trap(tmp_path / "trap")
    gitdir = place(server, work, name, bare=bare)
    trap.arm(gitdir)

    clone, fetch, side, main, proc = use(server, work, name, tmp_path / "copy")

    assert not trap.canary.exists(), trap.canary.read_text()
    assert (clone, fetch, side) == (0, 0, 0)
    assert main == 0
    assert proc != 0
    if not bare:
        assert (gitdir.parent / "file.txt").read_text() == "second"


@pytest.mark.parametrize(
    "config",
    [
        "[core]\n worktree = {outside}\n",
        '[core]\n WorkTree = "{outside}"\n',
        '[filter "a\\"b"]\n smudge = "touch {outside}/ran; cat"\n',
        '[FILTER.evil]\n smudge = "touch {outside}/ran; cat"\n',
        '[x][filter "e v"]smudge = "touch {outside}/ran; cat"\n',
    ],
)
def test_push_checks_nothing_out_where_that_might_run_or_reach_something(
    server: RunningServer, work: Path, tmp_path: Path, config: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    name = f"tree-{tmp_path.name.replace('_', '-')}"[-40:]
    gitdir = place(server, work, name, bare=False)
    (gitdir / "info/attributes").write_text('* filter=a"b\n*.txt filter=evil\nf* "filter=e v"\n')
    with (gitdir / "config").open("a") as file:
        file.write("[receive]\n denyCurrentBranch = updateInstead\n")
        file.write(config.format(outside=outside))
    commit(work, "second")

    refused = run_git(work, "push", server.remote(f"alice/{name}"), "HEAD:main", check=False)

    assert "branch is currently checked out" in refused.stderr
    assert list(outside.iterdir()) == []


def test_missing_objects_are_not_fetched_from_where_a_repository_says(
    server: RunningServer, work: Path, tmp_path: Path
) -> None:
    trap = Trap(tmp_path / "trap")
    gitdir = place(server, work, "promised")
    blob = run_git(work, "rev-parse", "HEAD:file.txt").stdout.strip()
    trap.arm(gitdir, CONFIG + PROMISOR)
    (gitdir / "objects" / blob[:2] / blob[2:]).unlink()

    url = server.remote("alice/promised")
    cloned = run_git(tmp_path, "clone", "--quiet", url, "copy", check=False)

    assert cloned.returncode != 0
    assert not trap.canary.exists(), trap.canary.read_text()


def test_same_traps_go_off_where_the_operator_trusts_repositories(
    work: Path, tmp_path: Path
) -> None:
    trap = Trap(tmp_path / "trap")
    with running_server(
        tmp_path / "home", "--no-database", "--anonymous-push", "--repository-hooks"
    ) as trusting:
        trap.arm(place(trusting, work, "trap", bare=False))

        use(trusting, work, "trap", tmp_path / "copy")

    assert "hooks/pre-receive" in trap.canary.read_text()


@pytest.mark.parametrize("kind", ["pipe", "redirect", "alternates", "huge"])
def test_repository_that_leads_out_or_blocks_is_refused_at_once_in_words(
    server: RunningServer, work: Path, tmp_path: Path, kind: str
) -> None:
    run_git(tmp_path, "clone", "--quiet", "--bare", str(work), "private.git")
    gitdir = place(server, work, f"bad-{kind}")
    match kind:
        case "pipe":
            (gitdir / "HEAD").unlink()
            os.mkfifo(gitdir / "HEAD")
        case "redirect":
            (gitdir / ".git").write_text(f"gitdir: {tmp_path}/private.git\n")
        case "alternates":
            (gitdir / "objects/info").mkdir(exist_ok=True)
            (gitdir / "objects/info/alternates").write_text(f"{tmp_path}/private.git/objects\n")
        case "huge":
            os.truncate(gitdir / "config", 50 * 1024**3)
    url, began = server.remote(f"alice/bad-{kind}"), time.monotonic()

    read = run_git(tmp_path, "clone", url, "copy", check=False)
    written = run_git(work, "push", url, "HEAD:refs/heads/side", check=False)

    # In the advertisement, or where objects are needed first, within the protocol.
    assert re.search(r"remote(?: error)?: The repository is not served: ", read.stderr)
    assert "remote: The repository is not served: " in written.stderr
    assert time.monotonic() - began < 30


def test_push_does_not_write_through_a_link(
    server: RunningServer, work: Path, tmp_path: Path
) -> None:
    target = tmp_path / "authorized_keys"
    target.write_text("mine\n")
    gitdir = place(server, work, "linked-log")
    (gitdir / "logs/refs/heads").mkdir(parents=True)
    (gitdir / "logs/refs/heads/side").symlink_to(target)

    url = server.remote("alice/linked-log")
    refused = run_git(work, "push", url, "HEAD:refs/heads/side", check=False)

    assert "leads out of the folder of repositories" in refused.stderr
    assert target.read_text() == "mine\n"
