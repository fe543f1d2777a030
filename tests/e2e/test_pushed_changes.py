"""Versions of changes, on a server that has no jj: from the headers that git brings along."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support.place import Place
from tests.support.processes import wait_until
from tests.support.repositories import git_bytes, oid_of
from tests.support.server import run_git
from wit_admin.db.models.jj import Change, ChangeCommit

pytestmark = pytest.mark.e2e

CHANGE = "kmnopqrstuvwxyzl" * 2


def commit_change(work: Path, text: str, parent: str, change_id: str = CHANGE) -> str:
    """Write a commit as jj does."""
    person = "Ann <ann@example.org> 1700000000 +0000"
    tree = oid_of(work, "HEAD^{tree}")
    lines = [f"tree {tree}", f"parent {parent}", f"author {person}", f"committer {person}"]
    content = "\n".join([*lines, f"change-id {change_id}", "", f"{text}\n"])
    made = git_bytes(work, "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.encode())
    return made.decode().strip()


def versions(place: Place) -> dict[str, bool]:
    """Return the commits of the change, and which are visible."""
    with place.open_database() as sessions, sessions() as session:
        rows = session.scalars(select(ChangeCommit).where(ChangeCommit.change_id == CHANGE))
        return {row.commit_id: row.is_visible for row in rows}


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
        change = session.scalars(select(Change)).one()
        assert change.is_divergent
        assert base not in set(session.scalars(select(ChangeCommit.commit_id)))
