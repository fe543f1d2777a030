"""Changes of an SQLite database are seen at once, whoever makes them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.numbers import add_number, make_numbers
from wit_admin.db.data_version import DataVersion


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_numbers(tmp_path / "with space?.db")


@pytest.fixture
def watched(path: Path) -> Iterator[DataVersion]:
    watched = DataVersion(str(path))
    yield watched
    watched.close()


def test_a_change_gives_another_version_and_nothing_else_does(
    watched: DataVersion, path: Path
) -> None:
    first, again = watched.read(), watched.read()
    add_number(path)
    after = watched.read()

    assert first is not None
    assert first == again
    assert after not in {first, None}


def test_a_writer_that_has_not_committed_is_neither_seen_nor_waited_for(
    watched: DataVersion, path: Path
) -> None:
    before = watched.read()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO numbers VALUES (1)")
        during = watched.read()
        connection.commit()

    assert during == before
    assert watched.read() != before


def test_another_file_in_its_place_is_another_version(watched: DataVersion, path: Path) -> None:
    before = watched.read()
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copy.replace(path)
    after = watched.read()
    add_number(path)

    assert after not in {before, None}
    assert watched.read() not in {after, None}


def test_a_change_while_the_file_was_out_of_reach_is_seen(watched: DataVersion, path: Path) -> None:
    before = watched.read()
    away = path.rename(path.with_name("away.db"))
    during = watched.read()
    add_number(away)
    away.rename(path)

    assert during is None
    assert watched.read() not in {before, None}


def test_a_missing_file_is_not_known_and_not_made(watched: DataVersion, path: Path) -> None:
    path.unlink()

    assert watched.read() is None
    assert not path.exists()
