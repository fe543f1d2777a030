"""``wit-admin watch``: what is printed, and which code it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner, Result

from tests.support.watch_site import WatchSite
from wit_admin.cli._root import app


@pytest.fixture
def jj(sessions: sessionmaker[Session], tmp_path: Path) -> WatchSite:
    return WatchSite(sessions, tmp_path / "wit/repos")


def watch(url: str, *arguments: str) -> Result:
    return CliRunner(env={"DATABASE_URL": url}).invoke(
        app, ["watch", *arguments], prog_name="wit-admin"
    )


def test_one_pass_prints_a_line_for_each_repository_with_news(
    database_url: str, jj: WatchSite
) -> None:
    jj.add("one")
    jj.add("two")

    first = watch(database_url, "--once")
    second = watch(database_url, "--once", "--json")

    assert first.exit_code == second.exit_code == 0
    assert first.stdout == "alice/one\tsynced\t1\t2\t0\t\nalice/two\tsynced\t1\t2\t0\t\n"
    assert first.stderr == "2 repositories had news.\n"
    assert second.stdout == ""


def test_pass_with_failures_ends_with_5_and_says_which(database_url: str, jj: WatchSite) -> None:
    writer = jj.add("bad")
    (writer.repo / "op_store/type").write_text("mine")
    jj.add("good")

    result = watch(database_url, "--once", "--json")

    assert result.exit_code == 5
    failed, synced = map(json.loads, result.stdout.splitlines())
    assert (failed["repository"], failed["state"]) == ("alice/bad", "failed")
    assert "of the kind 'mine'" in failed["error"]
    assert (synced["repository"], synced["operations"]) == ("alice/good", 1)
    assert "1 of 2 repositories failed" in result.stderr


def test_only_the_kinds_that_are_wanted_are_read(database_url: str, jj: WatchSite) -> None:
    jj.add()

    result = watch(database_url, "--once", "--kinds", "changes, bookmarks", "--max-changes", "5")
    wrong = watch(database_url, "--once", "--kinds", "changes,commits")

    assert result.stdout == "alice/demo\tsynced\t0\t2\t0\t\n"
    assert jj.operations() == []
    assert wrong.exit_code == 3
    assert "flag --kinds" in wrong.stderr


def test_list_add_remove_status_and_sync(database_url: str, jj: WatchSite) -> None:
    jj.add()

    removed = watch(database_url, "remove", "alice/demo")
    synced = watch(database_url, "sync", "alice/demo")
    listed = watch(database_url, "list", "--json")
    added = watch(database_url, "add", "alice/demo", "--json")
    again = watch(database_url, "add", "alice/demo")
    status = watch(database_url, "status")

    assert removed.stdout == "alice/demo\n"
    assert synced.stdout == "alice/demo\tsynced\t1\t2\t0\t\n"
    (row,) = json.loads(listed.stdout)
    assert (row["owner"], row["name"], row["is_watched"]) == ("alice", "demo", False)
    assert row["synced_at"].endswith("Z")
    assert json.loads(added.stdout) == {"repository": "alice/demo", "is_watched": True}
    assert again.stderr == "alice/demo is watched already.\n"
    assert status.stdout == "running\tfalse\nwatchers\t0\nwatched\t1\nignored\t0\nfailing\t0\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("sync", "alice/none"), 1, "There is no repository alice/none."),
        (("sync", "alice/plain"), 1, "alice/plain has no jj repository."),
        (("add", "alice/plain"), 1, "alice/plain has no jj repository."),
        (("remove", "alice"), 2, "'alice' does not name a repository."),
    ],
)
def test_what_cannot_be_done_is_told(
    database_url: str, jj: WatchSite, arguments: tuple[str, ...], code: int, message: str
) -> None:
    jj.add_row("plain")

    result = watch(database_url, *arguments)

    assert result.exit_code == code
    assert message in result.stderr
