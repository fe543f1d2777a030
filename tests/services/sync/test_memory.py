"""Rows are met beside the folders that they are about, however few are read at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_repository, make_user
from tests.support.sync_site import Site
from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.db.queries import reconcile
from wit_admin.db.queries.adoption import AdoptedRepository, insert_adopted
from wit_admin.services.sync import repo_sync
from wit_admin.services.sync.memory import Remembered

GO_THROUGH_ALL = """
import os, sys
from tests.support.kernel import memory_bytes
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.services.sync.memory import Remembered

remembered = Remembered(make_sessions(open_engine(sys.argv[1])), owner=None, part_size=500)
remembered.pass_until(["alice/x"])
before = memory_bytes(os.getpid())
remembered.miss_rest()
print(memory_bytes(os.getpid()) - before, len(remembered.missed))
"""
ROWS, LONG = 8000, "x" * 2000
"""Two rows to a page; of longer ones SQLite would keep little in any case."""
PATHS = ("Zoe/a.git", "a-b/x.git", "a/x.git", "a/y.git", "b/x.git", "é/x.git")


@pytest.mark.parametrize("part_size", [1, 2, 5, 6, 7])
def test_rows_are_taken_in_the_order_of_paths(
    sessions: sessionmaker[Session], part_size: int
) -> None:
    with sessions.begin() as session:
        alice = make_user(session, "alice")
        for number, path in enumerate(PATHS):
            repo_id = make_repository(session, alice, f"r{number}")
            reconcile.set_places(session, {repo_id: path}, utc_now())
    remembered = Remembered(sessions, owner=None, part_size=part_size)

    taken = [
        list(remembered.pass_until(paths))
        for paths in (["Zoe/a.git", "a-b/w.git"], ["a-b/x.git"], ["a/y.git"], ["c/x.git"])
    ]
    was_over = remembered.is_over
    remembered.miss_rest()

    assert (was_over, remembered.is_over) == (False, True)
    assert taken == [["Zoe/a.git"], ["a-b/x.git"], ["a/x.git", "a/y.git"], ["b/x.git"]]
    assert remembered.missed == ["a/x.git", "b/x.git", "é/x.git"]


@pytest.mark.parametrize("part_size", [1, 2, 3, 4])
def test_only_rows_that_are_next_and_the_same_are_passed(
    sessions: sessionmaker[Session], part_size: int
) -> None:
    paths, prints = ["a/w.git", "a/x.git", "b/y.git"], [b"w" * 32, b"x" * 32, b"y" * 32]
    with sessions.begin() as session:
        make_user(session, "alice")
        known = list(zip(paths, prints, strict=True))
        rows = [adopted(path)._replace(fingerprint=seen) for path, seen in known]
        insert_adopted(session, rows, utc_now())
    remembered = Remembered(sessions, owner=None, part_size=part_size)

    assert remembered.pass_until(paths[:1]) == dict(known[:1])
    assert not remembered.are_next(paths[2:], prints[2:])
    assert not remembered.are_next(paths[1:2], prints[2:])
    assert not remembered.are_next(["a/x"], prints[1:2])
    assert not remembered.are_next([*paths[1:], "c/z.git"], [*prints[1:], b"z" * 32])
    assert remembered.are_next(paths[1:2], prints[1:2])
    assert remembered.pass_until(paths[2:]) == dict(known[2:])
    assert remembered.is_over
    assert remembered.missed == []


def test_what_was_gone_through_is_not_kept_in_memory(
    sessions: sessionmaker[Session], database_url: str
) -> None:
    with sessions.begin() as session:
        make_user(session, "alice")
        rows = [adopted(f"b/r{number}.git", LONG) for number in range(ROWS)]
        insert_adopted(session, rows, utc_now())

    command = [sys.executable, "-c", GO_THROUGH_ALL, database_url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    grown, missed = map(int, done.stdout.split())
    assert missed == ROWS
    assert grown < len(LONG) * ROWS // 3


@pytest.mark.parametrize(("new", "counted"), [(9, False), (10, True)])
def test_database_counts_tables_anew_that_grew_by_much(
    ground: Site, new: int, counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repo_sync, "MANY_NEW", 10)
    for number in range(new):
        ground.add(f"alice/r{number}.git")
    told: list[str] = []
    with ground.sessions() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *given: told.append(given[2]))

    ground.sync(part_size=4)

    # What is counted is no proof: autovacuum does it, too, and earlier tests used the database.
    analyzed = [statement for statement in told if statement.startswith("ANALYZE")]
    plans_without = engine.dialect.name == "sqlite"
    assert bool(analyzed) is (counted and not plans_without)
    assert all("repositories" in statement for statement in analyzed)


def adopted(path: str, description: str | None = None) -> AdoptedRepository:
    """Return what becomes the row of one of alice's repositories."""
    return AdoptedRepository(
        id=new_id(),
        owner="alice",
        owner_type=OwnerType.USER,
        name=path.replace("/", "-").removesuffix(".git"),
        disk_path=path,
        description=description,
        visibility=Visibility.PRIVATE,
        default_branch="main",
        object_format=ObjectFormat.SHA1,
        size_bytes=0,
        pushed_at=None,
        archived_at=None,
        deleted_at=None,
        fingerprint=b"",
    )
