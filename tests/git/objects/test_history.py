"""Histories written in process are what git takes for a repository."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.server import run_git
from wit_admin.errors import ConflictError
from wit_admin.git.objects.history import Author, Commit, History, Tag, write_history
from wit_admin.git.repositories import storage

ANN = Author("Ann Ägir", "ann@example.test")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HISTORY = History(
    commits=(
        Commit("root", (), "Begin\n\nWith ä", ANN, AT, {"a/b.txt": "one\n", "c.txt": "two\n"}),
        Commit("left", ("root",), "Left", ANN, AT, {"c.txt": None}),
        Commit("right", ("root",), "Right", ANN, AT, {"a/b.txt": "three\n"}),
        Commit("merge", ("left", "right"), "Merge", ANN, AT),
    ),
    branches={"topic/right": "right", "main": "merge"},
    tags=(Tag("v1", "root", "First"),),
)


@pytest.fixture
def gitdir(tmp_path: Path) -> Path:
    storage.create_bare(tmp_path, "demo.git")
    return tmp_path / "demo.git"


def test_git_finds_nothing_wrong(gitdir: Path) -> None:
    oids = write_history(gitdir, HISTORY)

    run_git(gitdir, "fsck", "--strict", "--full")
    log = run_git(gitdir, "log", "--format=%H %an %s", "--topo-order", "main").stdout
    files = run_git(gitdir, "ls-tree", "-r", "--name-only", "main").stdout
    assert log.splitlines()[0] == f"{oids['merge']} Ann Ägir Merge"
    assert len(log.splitlines()) == 4
    assert files.split() == ["a/b.txt"]
    assert run_git(gitdir, "show", "main:a/b.txt").stdout == "three\n"
    assert run_git(gitdir, "rev-parse", "v1^{commit}").stdout.strip() == oids["root"]
    assert run_git(gitdir, "rev-parse", "topic/right").stdout.strip() == oids["right"]


def test_the_same_description_gives_the_same_ids_and_is_written_once(
    gitdir: Path, tmp_path: Path
) -> None:
    storage.create_bare(tmp_path, "other.git")
    first = write_history(gitdir, HISTORY)
    before = sorted(gitdir.rglob("*"))

    again = write_history(gitdir, HISTORY)
    elsewhere = write_history(tmp_path / "other.git", HISTORY)

    assert first == again == elsewhere
    assert sorted(gitdir.rglob("*")) == before


def test_what_is_missing_is_added(gitdir: Path) -> None:
    oids = write_history(gitdir, HISTORY)
    run_git(gitdir, "update-ref", "-d", "refs/heads/topic/right")

    write_history(gitdir, HISTORY)

    assert run_git(gitdir, "rev-parse", "topic/right").stdout.strip() == oids["right"]


def test_another_repository_is_left_alone(gitdir: Path) -> None:
    oids = write_history(gitdir, HISTORY)
    run_git(gitdir, "update-ref", "-d", "refs/heads/topic/right")
    run_git(gitdir, "update-ref", "refs/heads/main", oids["left"])

    with pytest.raises(ConflictError, match="Another repository"):
        write_history(gitdir, HISTORY)

    assert run_git(gitdir, "branch", "--format=%(refname)").stdout.split() == ["refs/heads/main"]


def test_parents_in_conflict_are_a_mistake_in_the_description(gitdir: Path) -> None:
    wrong = History(
        commits=(
            Commit("root", (), "Root", ANN, AT, {"a": "1\n"}),
            Commit("left", ("root",), "Left", ANN, AT, {"a": "2\n"}),
            Commit("right", ("root",), "Right", ANN, AT, {"a": "3\n"}),
            Commit("merge", ("left", "right"), "Merge", ANN, AT),
        )
    )

    with pytest.raises(ValueError, match="merge are in conflict"):
        write_history(gitdir, wrong)
