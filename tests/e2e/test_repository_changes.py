"""What a git client sees of repositories that an operator renames, archives or deletes."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

from tests.support import forker
from tests.support.place import Place, let_reads_grow_old
from tests.support.repositories import commit, oid_of
from tests.support.server import run_git


def push(place: Place, work: Path, name: str) -> None:
    run_git(work, "push", "--quiet", place.url(name), "HEAD:refs/heads/main")


def refusal(place: Place, work: Path, name: str) -> str:
    """Return what git shows of a push that must fail."""
    commit(work, f"not for {name}")
    result = run_git(work, "push", place.url(name), "HEAD:refs/heads/main", check=False)
    assert result.returncode != 0
    return result.stderr


def test_old_url_clones_fetches_and_pushes(alice: Place, work: Path, tmp_path: Path) -> None:
    alice.server.admin("repo", "create", "alice/before")
    push(alice, work, "before")
    alice.server.admin("user", "create", "bob")

    alice.server.admin("repo", "rename", "alice/before", "after")
    run_git(tmp_path, "clone", "--quiet", alice.url("before"), "clone")
    commit(work, "second")
    push(alice, work, "before")
    run_git(tmp_path / "clone", "pull", "--quiet")
    assert oid_of(tmp_path / "clone", "HEAD") == oid_of(work, "HEAD")
    alice.server.admin("repo", "transfer", "alice/after", "bob", "--yes")
    alice.server.admin("collab", "add", "bob/after", "alice", "--permission", "write")

    for name in ("before", "after"):
        commit(work, f"by the URL {name}")
        push(alice, work, name)
        run_git(tmp_path / "clone", "fetch", "--quiet", alice.url(name), "main")
        run_git(tmp_path, "clone", "--quiet", alice.url(name), f"again-{name}")
        for clone, revision in (("clone", "FETCH_HEAD"), (f"again-{name}", "HEAD")):
            assert oid_of(tmp_path / clone, revision) == oid_of(work, "HEAD")
    assert replace(alice, owner="bob").pushes("after")[0].after == oid_of(work, "HEAD")


def test_new_repository_wins_over_the_old_url_of_another(
    alice: Place, work: Path, tmp_path: Path
) -> None:
    alice.server.admin("repo", "create", "alice/name")
    push(alice, work, "name")
    alice.server.admin("repo", "rename", "alice/name", "gone")
    old = oid_of(work, "HEAD")

    alice.server.admin("repo", "create", "alice/name")
    newer = commit(work, "in the new one")
    push(alice, work, "name")
    run_git(tmp_path, "clone", "--quiet", alice.url("name"), "clone")

    assert oid_of(tmp_path / "clone", "HEAD") == newer
    assert run_git(work, "ls-remote", alice.url("gone"), "main").stdout.split()[0] == old


def test_archived_repository_refuses_pushes_with_a_sentence(alice: Place, work: Path) -> None:
    push(alice, work, "kept")
    alice.server.admin("repo", "archive", "alice/kept")

    assert "archived and takes no pushes" in refusal(alice, work, "kept")

    alice.server.admin("repo", "unarchive", "alice/kept")
    push(alice, work, "kept")


def test_visibility_holds_at_once(alice: Place, work: Path) -> None:
    push(alice, work, "seen")
    anonymous = alice.server.remote("alice/seen")

    alice.server.admin("repo", "visibility", "alice/seen", "public")
    run_git(work, "ls-remote", anonymous)
    alice.server.admin("repo", "visibility", "alice/seen", "private")
    let_reads_grow_old()

    assert run_git(work, "ls-remote", anonymous, check=False).returncode != 0


def test_clone_checks_out_the_branch_that_was_set(alice: Place, work: Path, tmp_path: Path) -> None:
    push(alice, work, "headed")
    run_git(work, "push", "--quiet", alice.url("headed"), "HEAD:refs/heads/trunk")

    alice.server.admin("repo", "set-head", "alice/headed", "trunk")
    run_git(tmp_path, "clone", "--quiet", alice.url("headed"), "clone")

    assert run_git(tmp_path / "clone", "branch", "--show-current").stdout.strip() == "trunk"


def test_push_creates_under_a_name_whose_first_folder_is_another_s(
    alice: Place, work: Path
) -> None:
    push(alice, work, "first")
    alice.server.admin("repo", "rename", "alice/first", "moved")
    alice.server.admin("repo", "create", "alice/first")
    alice.server.admin("repo", "delete", "alice/first", "--yes")
    kept = oid_of(work, "HEAD")

    commit(work, "in the new one")
    push(alice, work, "first")

    moved = run_git(work, "ls-remote", alice.url("moved"), "refs/heads/main").stdout
    assert moved.split()[0] == kept


def test_changes_killed_at_any_moment_are_set_right_by_a_rerun(alice: Place, work: Path) -> None:
    chance = random.Random(7)
    push(alice, work, "victim")

    for number in range(2):
        kill(alice, chance, "repo", "delete", "alice/victim", "--yes")
        finish(alice, "repo", "delete", "alice/victim", "--yes")
        kill(alice, chance, "repo", "restore", "alice/victim")
        finish(alice, "repo", "restore", "alice/victim")
        kill(alice, chance, "repo", "rename", "alice/victim", f"v{number}")
        finish(alice, "repo", "rename", "alice/victim", f"v{number}")
        finish(alice, "repo", "rename", f"alice/v{number}", "victim")
        kill(alice, chance, "repo", "create", f"alice/new{number}")
        alice.server.admin("repo", "create", f"alice/new{number}", "--if-not-exists")
        run_git(work, "ls-remote", alice.url(f"new{number}"))
    for left in alice.gitdir("victim").parent.glob(".new~*"):
        os.utime(left, (0, 0))
    alice.server.admin("repo", "create", "alice/last")

    listed = run_git(work, "ls-remote", alice.url("victim"), "refs/heads/main").stdout
    assert listed.split()[0] == oid_of(work, "HEAD")


def kill(place: Place, chance: random.Random, *arguments: str) -> None:
    """Run a command and kill it somewhere on its way, or just after."""
    forker.start(arguments, place.server.environment).kill(after_s=chance.uniform(0.01, 0.4))


def finish(place: Place, *arguments: str) -> None:
    """Run it again: it succeeds, or finds that all was done before."""
    result = forker.run(arguments, place.server.environment)
    assert result.returncode == 0 or "There is no" in result.stderr or "has no" in result.stderr
