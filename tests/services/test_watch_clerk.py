"""What the database is asked, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from tests.support.watch_site import WatchSite
from wit_admin.names import RepoName
from wit_admin.services import watching
from wit_admin.services.watch_claims import open_claims
from wit_admin.services.watcher.clerk import Clerk


@pytest.fixture
def clerk(sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Clerk]:
    opened = Clerk(sessions, open_claims(sessions, tmp_path))
    yield opened
    opened.close()


def test_all_are_told_at_first_and_then_what_changed(clerk: Clerk, jj: WatchSite) -> None:
    jj.add("old")

    first = clerk.ask(())
    jj.add("new")
    second = clerk.ask(())
    watching.remove_watch(jj.sessions, jj.root, RepoName("alice", "old"))
    third = clerk.ask(())

    assert first.is_all
    assert [standing.name for standing in first.standings] == ["alice/old"]
    assert "alice/new" in {standing.name for standing in second.standings}
    assert not third.is_all
    assert len(third.unwatched) == 1


@pytest.mark.parametrize("_databases", ["sqlite"], indirect=True)
def test_sqlite_in_which_nothing_was_written_is_not_asked_again(
    clerk: Clerk, jj: WatchSite, engine: Engine
) -> None:
    jj.add()
    watching.remove_watch(jj.sessions, jj.root, RepoName("alice", "demo"))
    first = clerk.ask(())
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    again = clerk.ask(())

    assert statements == []
    assert (again.standings, again.is_all) == ([], False)
    assert (again.shards, again.unwatched) == (first.shards, first.unwatched)
