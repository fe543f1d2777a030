"""Objects are read as git has them, and torn ones are none: reading them comes to an end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repositories import commit, git_bytes, new_work, oid_of
from tests.support.server import run_git
from wit_admin.git.objects.reader import ObjectReader, TooLargeObjectError


@pytest.fixture
def work(tmp_path: Path) -> Path:
    work = new_work(tmp_path / "work")
    for number in range(3):
        commit(work, f"text {number}\n" * 200)
    run_git(work, "tag", "-a", "-m", "one", "v1")
    return work


def loose_path(gitdir: Path, oid: str) -> Path:
    return gitdir / "objects" / oid[:2] / oid[2:]


@pytest.mark.parametrize("is_packed", [False, True])
def test_every_kind_is_read_as_git_reads_it(work: Path, *, is_packed: bool) -> None:
    if is_packed:
        run_git(work, "gc", "--quiet", "--prune=now")
    objects = ObjectReader(work / ".git")

    for revision in ("HEAD", "HEAD^{tree}", "HEAD:file.txt", "v1"):
        oid = oid_of(work, revision)
        kind = run_git(work, "cat-file", "-t", oid).stdout.strip()
        found = objects.read(oid.encode(), most_bytes=10_000)

        assert found is not None
        assert (found.kind, found.content) == (kind, git_bytes(work, "cat-file", kind, oid))
        assert (objects.read(oid.encode(), most_bytes=10_000, only="tag") is None) is (
            kind != "tag"
        )


def test_alternates_are_looked_into(work: Path, tmp_path: Path) -> None:
    run_git(tmp_path, "clone", "--quiet", "--shared", "--bare", str(work), "fork.git")
    run_git(work, "repack", "--quiet", "-a", "-d")
    tip = commit(work, "loose in the other one")

    for oid in (oid_of(work, "HEAD~1"), tip):
        assert ObjectReader(tmp_path / "fork.git").read(oid.encode(), most_bytes=10_000) is not None


@pytest.mark.parametrize("left", [0, 1, 2, 5, 20, 60, -1])
def test_a_torn_object_is_none(work: Path, tmp_path: Path, left: int) -> None:
    run_git(tmp_path, "clone", "--quiet", "--shared", "--bare", str(work), "fork.git")
    oid = oid_of(work, "HEAD")
    path = loose_path(work / ".git", oid)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:left])

    for gitdir in (work / ".git", tmp_path / "fork.git"):
        assert ObjectReader(gitdir).read(oid.encode(), most_bytes=10_000) is None


def test_what_is_not_what_its_name_says_is_none(work: Path) -> None:
    first, second = (oid_of(work, revision) for revision in ("HEAD", "HEAD~1"))
    loose_path(work / ".git", second).replace(loose_path(work / ".git", first))

    objects = ObjectReader(work / ".git")

    assert objects.read(first.encode(), most_bytes=10_000) is None
    assert objects.read(second.encode(), most_bytes=10_000) is None
    assert objects.read(b"no id", most_bytes=10_000) is None


def test_what_is_too_large_is_not_read(work: Path) -> None:
    oid = oid_of(work, "HEAD:file.txt").encode()

    with pytest.raises(TooLargeObjectError):
        ObjectReader(work / ".git").read(oid, most_bytes=100)
