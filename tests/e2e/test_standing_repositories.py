"""Repositories as they stand on disk: odd places, odd shapes, settings of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support.place import Place
from tests.support.repositories import commit, listing, oid_of
from tests.support.server import run_git
from wit_admin.db.models.accounts import OwnerType, User
from wit_admin.db.models.repositories import Repository, Visibility

pytestmark = pytest.mark.e2e


def unborn(work: Path, gitdir: Path) -> str:
    """Make a bare repository in which only ``side`` exists; return its commit."""
    run_git(work, "init", "--quiet", "--bare", "--initial-branch=later", str(gitdir))
    run_git(work, "push", "--quiet", str(gitdir), "main:side")
    return oid_of(work, "main")


def test_non_bare_repository_is_served(disk: Place, work: Path, tmp_path: Path) -> None:
    shutil.copytree(work, disk.server.home / "repos/alice/tree")

    run_git(tmp_path, "clone", "--quiet", disk.url("tree"), "copy")
    run_git(work, "push", "--quiet", disk.url("tree"), "main:other")

    assert oid_of(tmp_path / "copy", "HEAD") == oid_of(work, "HEAD")
    assert oid_of(disk.server.home / "repos/alice/tree", "other") == oid_of(work, "HEAD")


def test_branch_that_is_checked_out_is_protected(disk: Place, work: Path) -> None:
    served = disk.server.home / "repos/alice/checked-out"
    shutil.copytree(work, served)
    commit(work, "second")

    refused = run_git(work, "push", disk.url("checked-out"), "main", check=False)

    assert "[remote rejected] main -> main (branch is currently checked out)" in refused.stderr
    assert (served / "file.txt").read_text() == "first"


def test_checked_out_branch_is_updated_if_the_repository_says_so(disk: Place, work: Path) -> None:
    """Whatever its config and hooks would run meanwhile is not run."""
    served = disk.server.home / "repos/alice/updated"
    shutil.copytree(work, served)
    mark = served.parent / "ran"
    program = f"touch {mark}; cat"
    for key, value in [
        ("receive.denyCurrentBranch", "updateInstead"),
        ("filter.mark.smudge", program),
        ("filter.mark.clean", program),
        ("filter.mark.process", program),
        ("filter.Other.Sub.smudge", program),
        ("filter.mark.required", "true"),
        ("core.fsmonitor", program),
        ("diff.external", program),
        ("merge.mark.driver", program),
    ]:
        run_git(served, "config", key, value)
    (served / ".git/info/attributes").write_text("* filter=mark\n*.txt filter=Other.Sub\n")
    for hook in ("push-to-checkout", "pre-receive", "update", "post-receive", "post-checkout"):
        path = served / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {mark}\n")
        path.chmod(0o755)
    commit(work, "second")

    run_git(work, "push", "--quiet", disk.url("updated"), "main")

    assert (served / "file.txt").read_text() == "second"
    assert not mark.exists()


def test_link_within_the_root_is_followed_and_one_that_leads_out_is_not(
    disk: Place, work: Path, tmp_path: Path
) -> None:
    disk.add("target", work)
    disk.gitdir("inside").symlink_to("target.git")
    run_git(tmp_path, "clone", "--quiet", "--mirror", str(work), "elsewhere.git")
    disk.gitdir("outside").symlink_to(tmp_path / "elsewhere.git")

    outside = run_git(work, "ls-remote", disk.url("outside"), check=False)

    assert listing(disk.url("inside")) == listing(disk.url("target"))
    assert outside.returncode == 128
    assert "not found" in outside.stderr


def test_objects_are_found_in_a_sibling(disk: Place, work: Path, tmp_path: Path) -> None:
    base = disk.add("base", work)
    run_git(tmp_path, "clone", "--quiet", "--bare", "--shared", str(base), str(disk.gitdir("fork")))
    latest = commit(work, "in the fork only")

    run_git(work, "push", "--quiet", disk.url("fork"), "main")
    run_git(tmp_path, "clone", "--quiet", disk.url("fork"), "copy")

    assert oid_of(tmp_path / "copy", "HEAD") == latest
    assert oid_of(base, "main") == oid_of(work, "main~1")
    run_git(tmp_path / "copy", "fsck", "--full", "--strict")


def test_clone_learns_the_branch_of_an_empty_repository(
    disk: Place, work: Path, tmp_path: Path
) -> None:
    unborn(work, disk.gitdir("half-empty"))
    run_git(work, "init", "--quiet", "--bare", "-b", "later", str(disk.gitdir("all-empty")))

    run_git(tmp_path, "clone", "--quiet", disk.url("all-empty"), "empty")
    run_git(tmp_path, "clone", "--quiet", disk.url("half-empty"), "half")

    assert run_git(tmp_path / "empty", "branch", "--show-current").stdout == "later\n"
    assert run_git(tmp_path / "half", "branch", "-r").stdout.split() == ["origin/side"]


def test_reftable_is_served_where_git_knows_it(disk: Place, work: Path, tmp_path: Path) -> None:
    gitdir = disk.gitdir("tables")
    made = run_git(
        work,
        "init",
        "--quiet",
        "--bare",
        "-b",
        "main",
        "--ref-format=reftable",
        str(gitdir),
        check=False,
    )
    if made.returncode != 0:
        version = run_git(work, "version").stdout.strip()
        pytest.skip(f"{version} knows no reftable; 2.45 and newer do")
    run_git(work, "push", "--quiet", disk.url("tables"), "main", "main:side")
    run_git(tmp_path, "clone", "--quiet", disk.url("tables"), "copy")

    assert listing(disk.url("tables")) == listing(str(gitdir))
    assert oid_of(tmp_path / "copy", "HEAD") == oid_of(work, "HEAD")


def test_repository_is_served_as_soon_as_the_database_knows_it(
    alice: Place, work: Path, tmp_path: Path
) -> None:
    alice.add("found", work)
    before = run_git(work, "ls-remote", alice.url("found"), check=False)

    with alice.open_database() as sessions, sessions.begin() as session:
        owner_id = session.scalars(select(User.id)).one()
        session.add(
            Repository(
                owner_id=owner_id,
                owner_type=OwnerType.USER,
                name="found",
                visibility=Visibility.PRIVATE,
                disk_path="alice/found.git",
            )
        )
    run_git(tmp_path, "clone", "--quiet", alice.url("found"), "copy")

    assert before.returncode == 128
    assert oid_of(tmp_path / "copy", "HEAD") == oid_of(work, "HEAD")
    assert alice.clones("found") == 1


def test_torn_objects_hold_nobody_up(disk: Place, work: Path, tmp_path: Path) -> None:
    """libgit2 would read a torn loose object for ever, and let no other thread run meanwhile."""
    gitdir = disk.add("torn", work)
    run_git(gitdir, "tag", "-a", "-m", "torn", "v1", "main")
    tag = oid_of(gitdir, "v1")
    path = gitdir / "objects" / tag[:2] / tag[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:20])

    listed = run_git(tmp_path, "ls-remote", disk.url("torn")).stdout

    assert f"{tag}\trefs/tags/v1\n" in listed
