"""Repositories packed while clients push and clone: nobody is refused, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.repositories import commit, oid_of
from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.git.children.limited_child import ChildLimits
from wit_admin.git.repositories.maintenance import Packer

pytestmark = pytest.mark.e2e

ROUNDS = 6


@contextmanager
def packing(gitdir: Path, packer: Packer) -> Iterator[list[bool]]:
    """Pack a repository over and over, each second time as a whole; yield which were done."""
    over, done = threading.Event(), list[bool]()

    def work() -> None:
        while not over.is_set():
            packer.run(gitdir, full=len(done) % 2 == 1, keeps_all=False)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def test_pushes_and_clones_beside_packing_are_not_refused(
    alice: Place, work: Path, tmp_path: Path
) -> None:
    url = alice.url("packed")
    run_git(work, "push", "--quiet", url, "main")
    packer = Packer(make_tools(tmp_path), ChildLimits(60.0, 1024**3))

    with packing(alice.gitdir("packed"), packer) as done:
        for number in range(ROUNDS):
            commit(work, f"change {number}")
            pushed = run_git(work, "push", url, "main", f"main:refs/heads/b{number}", check=False)
            removed = run_git(work, "push", url, f":b{number}", check=False)
            cloned = run_git(tmp_path, "clone", "--quiet", url, f"clone-{number}", check=False)
            codes = (pushed.returncode, removed.returncode, cloned.returncode)
            assert codes == (0, 0, 0), pushed.stderr + removed.stderr + cloned.stderr
            assert oid_of(tmp_path / f"clone-{number}", "HEAD") == oid_of(work, "HEAD")

    assert len(done) > 1
    assert len(alice.pushes("packed")) == 1 + 3 * ROUNDS
    assert run_git(alice.gitdir("packed"), "fsck", "--full", "--strict").stdout == ""


def test_command_packs_what_was_pushed(alice: Place, work: Path) -> None:
    run_git(work, "push", "--quiet", alice.url("ordered"), "main")
    run_git(alice.gitdir("ordered"), "repack", "-q", "-a", "-d")

    assert alice.server.admin("repo", "gc", "alice/ordered") == "gc\t1"
    assert alice.server.admin("repo", "gc", "alice/ordered") == ""
    assert "has_bitmap\ttrue" in alice.server.admin("repo", "stats", "alice/ordered")
    run_git(work, "ls-remote", alice.url("ordered"))
