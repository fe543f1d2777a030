"""Rows are met beside the folders that they are about, however few are read at once."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_repository, make_user
from wit_admin.db.base import utc_now
from wit_admin.db.queries import reconcile
from wit_admin.services.sync_memory import Remembered

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

    taken = [sorted(remembered.take(folder)) for folder in ("Zoe", "a-b", "a", "c")]
    remembered.miss_rest()

    assert taken == [["Zoe/a.git"], ["a-b/x.git"], ["a/x.git", "a/y.git"], []]
    assert remembered.missed == ["b/x.git", "é/x.git"]
