"""A repository with 50,000 refs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kernel import peak_memory_bytes
from tests.support.place import Place
from tests.support.repositories import all_refs, commit, listing, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e

REFS = 50_000


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_work(tmp_path_factory.mktemp("many") / "work")
    for number in range(4):
        commit(folder, f"change {number}")
    return folder


@pytest.fixture(scope="module")
def crowded(alice: Place, work: Path) -> Path:
    """Pushed once, then filled by writing the file that git would write."""
    run_git(work, "push", "--quiet", alice.url("crowded"), "main")
    gitdir = alice.gitdir("crowded")
    oids = [oid_of(work, f"HEAD~{back}") for back in range(4)]
    names = sorted(
        [f"refs/heads/topic/{number}" for number in range(REFS // 2)]
        + [f"refs/tags/v{number}" for number in range(REFS // 2)]
    )
    lines = [f"{oids[at % 4]} {name}\n" for at, name in enumerate(names)]
    header = "# pack-refs with: peeled fully-peeled sorted \n"
    (gitdir / "packed-refs").write_text(header + "".join(lines))
    return gitdir


@pytest.mark.parametrize("version", [0, 1, 2])
def test_all_are_listed(alice: Place, crowded: Path, version: int) -> None:
    seen = listing(alice.url("crowded"), version=version)

    assert seen == listing(str(crowded), version=version)
    # HEAD is told twice, and what another test pushes comes and goes.
    assert seen.count(b"\n") == all_refs(crowded).count("\n") + 2 > REFS


@pytest.mark.parametrize("version", ["0", "2"])
def test_one_branch_is_cloned(
    alice: Place, crowded: Path, work: Path, tmp_path: Path, version: str
) -> None:
    chosen = ("-c", f"protocol.version={version}", "clone", "--quiet", "--no-tags")

    run_git(tmp_path, *chosen, "--single-branch", alice.url("crowded"), "copy")

    assert oid_of(tmp_path / "copy", "HEAD") == oid_of(crowded, "main")


def test_everything_is_cloned(alice: Place, crowded: Path, tmp_path: Path) -> None:
    run_git(tmp_path, "clone", "--quiet", "--mirror", alice.url("crowded"), "copy")

    assert run_git(tmp_path / "copy", "for-each-ref").stdout == (
        run_git(crowded, "for-each-ref").stdout
    )


def test_refs_are_moved_created_and_deleted(alice: Place, crowded: Path, work: Path) -> None:
    latest = commit(work, "one more")
    refspecs = ["main", "+main:topic/7", "main:fresh", ":topic/8", ":refs/tags/v8"]

    run_git(work, "push", "--quiet", alice.url("crowded"), *refspecs)

    assert oid_of(crowded, "main") == oid_of(crowded, "topic/7") == oid_of(crowded, "fresh")
    assert oid_of(crowded, "main") == latest
    assert len(alice.pushes("crowded")) == 1 + len(refspecs)
    assert listing(alice.url("crowded")) == listing(str(crowded))


def test_memory_stays_small(alice: Place, crowded: Path) -> None:
    for _ in range(5):
        listing(alice.url("crowded"))

    assert peak_memory_bytes(alice.server.process.pid) < 400 * 1024**2
