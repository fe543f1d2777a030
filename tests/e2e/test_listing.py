"""What ``git ls-remote`` sees through the server is what it sees of the same path."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.repositories import commit, git_bytes, listing, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e

VERSIONS = [0, 1, 2]
ODD_NAMES = [
    "refs/heads/grüße".encode(),
    b"refs/heads/caf\xe9",
    b"refs/heads/50%25-done",
    b"refs/heads/a/b/c/d/e/f",
    b"refs/heads/PACK",
    b"refs/heads/packfile",
    b"refs/heads/-dash",
    b"refs/heads/@",
    b"refs/notes/commits",
    b"refs/pull/1/head",
    b"refs/remotes/origin/main",
    b"refs/stash",
    b"refs/tags/main",
]


def set_refs(gitdir: Path, names: list[bytes], oid: str) -> None:
    lines = b"".join(b"update %b %b\n" % (name, oid.encode()) for name in names)
    git_bytes(gitdir, "update-ref", "--stdin", stdin=lines)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_work(tmp_path_factory.mktemp("source") / "work")
    for number in range(4):
        commit(folder, f"change {number}")
    return folder


@pytest.fixture(scope="module")
def varied(disk: Place, source: Path) -> Path:
    """Has every kind of ref there is, some packed, some loose, some both."""
    gitdir = disk.add("varied", source)
    first, second, third = (oid_of(source, f"HEAD~{back}") for back in (3, 2, 1))
    set_refs(gitdir, [*ODD_NAMES, b"refs/heads/side"], first)
    run_git(gitdir, "tag", "-a", "-m", "packed", "packed", first)
    run_git(gitdir, "tag", "-a", "-m", "of a tag", "nested", "packed")
    run_git(gitdir, "tag", "of-a-tree", f"{first}^{{tree}}")
    run_git(gitdir, "tag", "of-a-blob", f"{first}:file.txt")
    run_git(gitdir, "pack-refs", "--all")
    set_refs(gitdir, [b"refs/heads/side", b"refs/heads/PACK"], second)
    run_git(gitdir, "tag", "-a", "-m", "loose", "loose", third)
    run_git(gitdir, "tag", "-f", "-a", "-m", "moved", "packed", third)
    run_git(gitdir, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    run_git(gitdir, "symbolic-ref", "refs/heads/alias-of-alias", "refs/heads/alias")
    run_git(gitdir, "symbolic-ref", "refs/heads/dangling", "refs/heads/nowhere")
    run_git(gitdir, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    return gitdir


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("options", [(), ("--heads",), ("--tags",), ("--refs",)], ids="".join)
def test_refs_are_those_of_the_path(
    disk: Place, varied: Path, version: int, options: tuple[str, ...]
) -> None:
    seen = listing(disk.url("varied"), *options, version=version)

    assert seen == listing(str(varied), *options, version=version)
    assert seen.count(b"\n") > 5


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("pattern", ["main", "refs/tags/*", "HEAD", "nothing"])
def test_refs_by_pattern_are_those_of_the_path(
    disk: Place, varied: Path, version: int, pattern: str
) -> None:
    command = ("-c", f"protocol.version={version}", "ls-remote")

    seen = git_bytes(Path("/"), *command, disk.url("varied"), pattern)

    assert seen == git_bytes(Path("/"), *command, str(varied), pattern)
    assert (seen == b"") == (pattern == "nothing")


def test_all_versions_tell_the_same(disk: Place, varied: Path) -> None:
    url = disk.url("varied")

    told = [git_bytes(Path("/"), "-c", f"protocol.version={v}", "ls-remote", url) for v in VERSIONS]

    assert told[0] == told[1] == told[2]
    assert b"\tHEAD\n" in told[0]
    assert b"\trefs/tags/nested^{}\n" in told[0]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", ["detached", "unborn", "emptied", "all-packed", "sha256"])
def test_head_is_that_of_the_path(disk: Place, source: Path, shape: str, version: int) -> None:
    name = f"{shape}-{version}"
    gitdir = disk.gitdir(name)
    if shape == "sha256":
        long = new_work(source.parent / name, "--object-format=sha256")
        commit(long, "first")
        run_git(long, "tag", "-a", "-m", "text", "v1")
        disk.add(name, long)
    elif shape == "emptied":
        run_git(Path("/"), "init", "--quiet", "--bare", str(gitdir))
    else:
        disk.add(name, source)
    if shape == "detached":
        (gitdir / "HEAD").write_text(oid_of(source, "HEAD~1") + "\n")
    if shape == "unborn":
        run_git(gitdir, "symbolic-ref", "HEAD", "refs/heads/not/yet")
    if shape == "all-packed":
        run_git(gitdir, "pack-refs", "--all")

    seen = listing(disk.url(name), version=version)

    assert seen == listing(str(gitdir), version=version)
    assert (b"HEAD" in seen) == (shape not in {"unborn", "emptied"})


def test_change_behind_the_servers_back_is_seen_at_once(disk: Place, source: Path) -> None:
    gitdir, url = disk.add("changing", source), disk.url("changing")
    oids = [oid_of(source, f"HEAD~{back}") for back in range(4)]
    chance = random.Random(5)
    names = [f"refs/heads/{letter}" for letter in "abc"] + ["refs/tags/t", "refs/x/y/z"]

    for _ in range(60):
        name, oid = chance.choice(names), chance.choice(oids)
        change = chance.choice(
            [
                ("update-ref", name, oid),
                ("update-ref", name, oid),
                ("update-ref", "-d", name),
                ("pack-refs", "--all"),
                ("symbolic-ref", "HEAD", chance.choice(names[:3])),
                ("tag", "-f", "-a", "-m", name, "annotated", oid),
                ("config", "transfer.hideRefs", chance.choice(["refs/x", "refs/none"])),
            ]
        )
        run_git(gitdir, *change)

        assert listing(url) == listing(str(gitdir)), change


def test_repository_made_anew_under_its_name_is_served_anew(disk: Place, source: Path) -> None:
    gitdir, url = disk.add("phoenix", source), disk.url("phoenix")
    before = listing(url)
    run_git(Path("/"), "clone", "--quiet", url, str(source.parent / "phoenix-1"))

    gitdir.rename(gitdir.with_name("gone"))
    gone = run_git(source, "ls-remote", url, check=False)
    other = new_work(source.parent / "phoenix")
    latest = commit(other, "another history")
    disk.add("phoenix", other)
    run_git(Path("/"), "clone", "--quiet", url, str(source.parent / "phoenix-2"))

    assert gone.returncode == 128
    assert listing(url) != before
    assert oid_of(source.parent / "phoenix-2", "HEAD") == latest
