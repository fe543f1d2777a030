"""What anybody may read is remembered only while it is certain, or for an instant."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from wit_admin.db.data_version import DataVersion
from wit_admin.names import RepoName
from wit_admin.services.public_repositories import Moment, PublicRepositories
from wit_admin.services.targets import Served

NAME = RepoName("alice", "demo")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "wit.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE numbers (value INTEGER)")
    return path


@pytest.fixture
def watched(database: Path) -> Iterator[PublicRepositories]:
    changes = DataVersion(str(database))
    yield PublicRepositories(changes)
    changes.close()


@pytest.fixture
def served(tmp_path: Path) -> Served:
    (tmp_path / "demo.git").mkdir()
    return Served(NAME, tmp_path / "demo.git")


def earlier(moment: Moment, seconds: float) -> Moment:
    return replace(moment, at=moment.at - seconds)


def test_it_is_remembered_while_the_database_has_not_changed(
    watched: PublicRepositories, served: Served, database: Path
) -> None:
    watched.remember(served, earlier(watched.moment(), 1))
    before = watched.recall(NAME)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO numbers VALUES (1)")

    assert before == served
    assert watched.recall(NAME) is None
    assert watched.recall_anyway(NAME) == served


def test_a_change_after_the_question_began_is_not_overlooked(
    watched: PublicRepositories, served: Served, database: Path
) -> None:
    asked = watched.moment()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO numbers VALUES (1)")
    watched.remember(served, earlier(asked, 1))

    assert watched.recall(NAME) is None


@pytest.mark.parametrize(("age_s", "is_known"), [(0, True), (0.1, True), (1, False)])
def test_without_a_version_only_an_instant_counts(
    served: Served, age_s: float, *, is_known: bool
) -> None:
    public = PublicRepositories(None)
    public.remember(served, earlier(public.moment(), age_s))

    assert (public.recall(NAME) is not None) is is_known


def test_what_was_long_ago_or_has_no_folder_is_asked_for_again(
    watched: PublicRepositories, served: Served
) -> None:
    watched.remember(served, earlier(watched.moment(), 10))
    old = watched.recall(NAME)
    watched.remember(served, earlier(watched.moment(), 1))
    served.gitdir.rmdir()

    assert old is None
    assert watched.recall(NAME) is None


def test_what_became_private_is_forgotten(watched: PublicRepositories, served: Served) -> None:
    watched.remember(served, watched.moment())
    watched.forget(NAME)

    assert watched.recall(NAME) is None
    assert watched.recall_anyway(NAME) is None
