"""Versions of changes, on a server that has no jj: from the headers that git brings along."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support.accounts import make_account
from tests.support.place import Place
from tests.support.processes import wait_until
from tests.support.repositories import commit, git_bytes, new_work, oid_of
from tests.support.server import run_git, running_server
from wit_admin.db.models.jj import Change, ChangeCommit

pytestmark = pytest.mark.e2e

CHANGE = "kmnopqrstuvwxyzl" * 2
OTHER = "lzyxwvutsrqponmk" * 2


def commit_change(work: Path, text: str, parent: str, change_id: str = CHANGE) -> str:
    """Write a commit as jj does."""
    person = "Ann <ann@example.org> 1700000000 +0000"
    tree = oid_of(work, "HEAD^{tree}")
    lines = [f"tree {tree}", f"parent {parent}", f"author {person}", f"committer {person}"]
    content = "\n".join([*lines, f"change-id {change_id}", "", f"{text}\n"])
    made = git_bytes(work, "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.encode())
    return made.decode().strip()


def versions(place: Place, change_id: str = CHANGE) -> dict[str, bool]:
    """Return the commits of a change, and which are visible."""
    with place.open_database() as sessions, sessions() as session:
        rows = session.scalars(select(ChangeCommit).where(ChangeCommit.change_id == change_id))
        return {row.commit_id: row.is_visible for row in rows}


def test_sha256_and_settings_of_its_own_are_looked_through(alice: Place, tmp_path: Path) -> None:
    work = new_work(tmp_path / "sha256", "--object-format=sha256")
    first = commit_change(work, "first", commit(work, "base"), OTHER)
    second = commit_change(work, "second", first, OTHER)

    run_git(work, "push", "--quiet", alice.url("sha256"), f"{first}:refs/heads/main")
    wait_until(lambda: first in versions(alice, OTHER))
    run_git(alice.gitdir("sha256"), "config", "transfer.hideRefs", "refs/heads/secret")
    run_git(work, "push", "--quiet", alice.url("sha256"), f"{second}:refs/heads/main")

    wait_until(lambda: second in versions(alice, OTHER))


def test_push_that_a_killed_server_had_not_looked_through_is_by_the_next(
    tmp_path: Path, work: Path
) -> None:
    home, version = tmp_path / "home", commit_change(work, "first", oid_of(work, "HEAD"))
    with running_server(home) as server:
        place = Place(server, make_account(server))
        run_git(work, "push", "--quiet", place.url("left"), f"{version}:refs/heads/main")
        server.process.kill()
        server.process.wait()
    assert versions(place) == {}

    with running_server(home) as server:
        wait_until(lambda: versions(place) == {version: True})


def test_versions_of_a_change_are_found_and_replaced_ones_kept(alice: Place, work: Path) -> None:
    base = oid_of(work, "HEAD")
    first, second = (commit_change(work, text, base) for text in ("first", "second"))

    run_git(work, "push", "--quiet", alice.url("versions"), f"{first}:refs/heads/main")
    wait_until(lambda: versions(alice) == {first: True})
    run_git(work, "push", "--quiet", "--force", alice.url("versions"), f"{second}:refs/heads/main")
    wait_until(lambda: versions(alice) == {first: False, second: True})
    run_git(work, "push", "--quiet", alice.url("versions"), f"{first}:refs/heads/old")
    wait_until(lambda: versions(alice) == {first: True, second: True})

    with alice.open_database() as sessions, sessions() as session:
        change = session.scalars(select(Change).where(Change.change_id == CHANGE)).one()
        assert change.is_divergent
        assert base not in set(session.scalars(select(ChangeCommit.commit_id)))
