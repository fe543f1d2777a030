"""Pushes that git refuses: said clearly, nothing moved, nothing written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.repositories import all_refs, commit, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e


def pushed(alice: Place, work: Path, name: str, *refs: str) -> str:
    """Push for the first time, so that there is something to refuse."""
    run_git(work, "push", "--quiet", alice.url(name), "main", *refs)
    return alice.url(name)


def test_atomic_push_moves_all_or_nothing(alice: Place, work: Path) -> None:
    url = pushed(alice, work, "atomic", "main:side")
    run_git(work, "commit", "--quiet", "--amend", "-m", "rewritten")
    run_git(work, "branch", "fresh")
    before = all_refs(alice.gitdir("atomic"))
    run_git(alice.gitdir("atomic"), "config", "receive.denyNonFastForwards", "true")

    refspecs = ("fresh", "+main:side")
    refused = run_git(work, "push", "--atomic", url, *refspecs, check=False)
    after_refusal, recorded = all_refs(alice.gitdir("atomic")), alice.pushes("atomic")
    partly = run_git(work, "push", url, *refspecs, check=False)

    assert refused.returncode == partly.returncode == 1
    assert "[remote rejected] main -> side (non-fast-forward)" in refused.stderr
    assert "[remote rejected] fresh -> fresh (atomic push failure" in refused.stderr
    assert after_refusal == before
    assert len(recorded) == 2
    assert [row.ref for row in alice.pushes("atomic")[:1]] == ["refs/heads/fresh"]
    assert len(alice.pushes("atomic")) == 3


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a/b/c/d", "a/b")], ids="{0}".format
)
def test_names_that_exclude_each_other_are_refused(
    alice: Place, work: Path, first: str, second: str
) -> None:
    name = f"conflict-{first.replace('/', '-')}-{second.replace('/', '-')}"
    url = pushed(alice, work, name, f"main:{first}")

    refused = run_git(work, "push", url, f"main:{second}", check=False)
    both = run_git(work, "push", "--atomic", url, "main:x", "main:x/y", check=False)

    assert refused.returncode == both.returncode == 1
    assert "[remote rejected]" in refused.stderr
    assert {row.ref for row in alice.pushes(name)} == {"refs/heads/main", f"refs/heads/{first}"}
    run_git(work, "push", "--quiet", url, f":{first}")
    run_git(work, "push", "--quiet", url, f"main:{second}")


def test_branch_that_head_names_stays(alice: Place, work: Path) -> None:
    url = pushed(alice, work, "kept")

    refused = run_git(work, "push", url, ":main", check=False)
    run_git(alice.gitdir("kept"), "config", "receive.denyDeleteCurrent", "ignore")
    run_git(work, "push", "--quiet", url, ":main")

    assert "[remote rejected] main (deletion of the current branch prohibited)" in refused.stderr
    assert [row.after for row in alice.pushes("kept")] == ["0" * 40, oid_of(work, "main")]


@pytest.mark.parametrize(
    ("setting", "refspec", "reason"),
    [
        ("receive.denyDeletes=true", ":side", "deletion prohibited"),
        ("receive.denyNonFastForwards=true", "+main", "non-fast-forward"),
        ("receive.hideRefs=refs/secret", "main:refs/secret/x", "deny updating a hidden ref"),
        ("transfer.hideRefs=refs/secret", "main:refs/secret/x", "deny updating a hidden ref"),
        ("receive.maxInputSize=100", "main:bigger", "unpack"),
    ],
)
def test_settings_of_the_repository_are_obeyed(
    alice: Place, work: Path, setting: str, refspec: str, reason: str
) -> None:
    key, _, value = setting.partition("=")
    name = key.lower()
    url = pushed(alice, work, name, "main:side")
    run_git(alice.gitdir(name), "config", key, value)
    (work / "big").write_bytes(bytes(range(256)) * 40)
    run_git(work, "add", "big")
    run_git(work, "commit", "--quiet", "--amend", "-m", "rewritten")
    before = all_refs(alice.gitdir(name))

    refused = run_git(work, "push", url, refspec, check=False)

    assert refused.returncode == 1
    assert reason in refused.stderr
    assert all_refs(alice.gitdir(name)) == before
    assert len(alice.pushes(name)) == 2


def test_objects_are_checked(alice: Place, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    commit(work, "first")
    url = pushed(alice, work, "checked")
    tree = run_git(work, "rev-parse", "HEAD^{tree}").stdout.strip()
    bad = tmp_path / "bad"
    bad.write_text(f"tree {tree}\nauthor Ann <a@b> 1 +0000\ncommitter nobody at no time\n\nx\n")
    oid = run_git(work, "hash-object", "-t", "commit", "-w", "--literally", str(bad)).stdout.strip()
    run_git(work, "update-ref", "refs/heads/bad", oid)

    refused = run_git(work, "push", url, "bad", check=False)

    assert refused.returncode == 1
    assert "missingEmail" in refused.stderr
    assert len(alice.pushes("checked")) == 1
    assert run_git(alice.gitdir("checked"), "cat-file", "-e", oid, check=False).returncode != 0


def test_refused_first_push_leaves_nothing(alice: Place, work: Path) -> None:
    refused = run_git(work, "push", alice.url("never"), "main:refs/wit/x", check=False)

    assert refused.returncode == 1
    assert alice.row("never") is None
    assert not alice.gitdir("never").exists()


def test_first_push_that_is_partly_refused_keeps_the_rest(alice: Place, work: Path) -> None:
    refused = run_git(work, "push", alice.url("partly"), "main", "main:refs/wit/x", check=False)

    assert refused.returncode == 1
    assert [row.ref for row in alice.pushes("partly")] == ["refs/heads/main"]
    assert oid_of(alice.gitdir("partly"), "main") == oid_of(work, "main")


def test_first_push_of_tags_alone_is_kept(alice: Place, work: Path) -> None:
    run_git(work, "tag", "v1")
    run_git(work, "push", "--quiet", alice.url("tags-only"), "v1")

    refused = run_git(work, "push", alice.url("tags-only"), "main:refs/wit/x", check=False)

    assert refused.returncode == 1
    assert alice.row("tags-only") is not None
    assert oid_of(alice.gitdir("tags-only"), "v1") == oid_of(work, "main")


def test_disk_that_takes_no_new_repository_is_told_in_words(alice: Place, work: Path) -> None:
    """A full or read-only disk once was a bug of ours (500)."""
    folder = alice.server.home / "repos/alice"
    moved = folder.rename(folder.with_name("alice-away")) if folder.exists() else None
    folder.write_text("no folder can be made here\n")

    refused = run_git(work, "push", alice.url("nowhere"), "main", check=False)
    folder.unlink()
    if moved:
        moved.rename(folder)

    assert (
        "remote: error: The server cannot write to its repositories: File exists" in refused.stderr
    )
    assert "[remote rejected] main -> main (refused)" in refused.stderr
    assert alice.row("nowhere") is None
