"""What the database is asked, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from tests.support.watch_site import WatchSite
from wit_admin.db.base import utc_now
from wit_admin.names import RepoName
from wit_admin.services.watcher import inventory as module
from wit_admin.services.watcher import watching
from wit_admin.services.watcher.claims import open_claims
from wit_admin.services.watcher.inventory import Inventory


@pytest.fixture
def inventory(sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Inventory]:
    opened = Inventory(sessions, open_claims(sessions, tmp_path))
    yield opened
    opened.close()


def test_all_are_told_at_first_and_then_what_changed(inventory: Inventory, jj: WatchSite) -> None:
    jj.add("old")

    first = inventory.ask(())
    jj.add("new")
    second = inventory.ask(())
    watching.remove_watch(jj.sessions, jj.root, RepoName("alice", "old"))
    third = inventory.ask(())

    assert first.is_all
    assert [known.name for known in first.repositories] == ["alice/old"]
    assert "alice/new" in {known.name for known in second.repositories}
    assert not third.is_all
    assert len(third.unwatched) == 1


def test_after_the_clock_was_set_back_all_are_told_once(
    inventory: Inventory, jj: WatchSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was ahead for a while; what others wrote meanwhile seems to be long ago."""
    inventory.ask(())
    jj.add("old")
    with monkeypatch.context() as ahead:
        ahead.setattr(module, "utc_now", lambda: utc_now() + timedelta(hours=1))
        inventory.ask(())
    jj.add("new")

    told = [inventory.ask(()) for _ in range(2)]

    assert [update.is_all for update in told] == [True, False]
    assert "alice/new" in {known.name for known in told[0].repositories}


@pytest.mark.parametrize("_databases", ["sqlite"], indirect=True)
def test_sqlite_in_which_nothing_was_written_is_not_asked_again(
    inventory: Inventory, jj: WatchSite, engine: Engine
) -> None:
    jj.add()
    watching.remove_watch(jj.sessions, jj.root, RepoName("alice", "demo"))
    first = inventory.ask(())
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    again = inventory.ask(())

    assert statements == []
    assert (again.repositories, again.is_all) == ([], False)
    assert (again.shards, again.unwatched) == (first.shards, first.unwatched)
