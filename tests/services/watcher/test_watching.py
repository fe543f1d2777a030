"""Which jj repositories are watched, and one pass over them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support.builders import run_at_once
from tests.support.databases import migrated
from tests.support.nobody import as_nobody_in
from tests.support.watch_site import WatchSite
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.events import AuditEvent
from wit_admin.errors import (
    BatchError,
    DamagedJjError,
    NoJjRepositoryError,
    NotFoundError,
    UnavailableError,
)
from wit_admin.git.files.locks import lock_file
from wit_admin.names import RepoName
from wit_admin.services.watcher import watching
from wit_admin.services.watcher.claims import lock_path
from wit_admin.services.watcher.one_pass import raise_for_failed_repositories, sync_all

DEMO = RepoName("alice", "demo")


def names(jj: WatchSite) -> list[str]:
    return [row.name for row in watching.list_watched(jj.sessions, jj.root) if row.is_watched]


def states(jj: WatchSite) -> dict[str, str]:
    return {report.repository: report.state for report in sync_all(jj.sessions, jj.root)}


def audited(jj: WatchSite) -> list[tuple[str, str | None]]:
    with jj.sessions() as session:
        rows = session.execute(select(AuditEvent.action, AuditEvent.target_name))
        return [(action, name) for action, name in rows]


def test_all_repositories_with_a_jj_folder_are_watched(jj: WatchSite) -> None:
    jj.add("beside")
    jj.add("within", inside=True)
    jj.add_row("plain")
    (jj.root / "alice/file").mkdir()
    (jj.root / "alice/file/.jj").touch()
    jj.add_row("file")

    assert names(jj) == ["beside", "within"]


def test_pass_syncs_what_has_moved_on_and_nothing_else(jj: WatchSite) -> None:
    one, _ = jj.add("one"), jj.add("two", inside=True)

    first = states(jj)
    second = states(jj)
    jj.operate(one, "second")
    third = states(jj)

    assert first == {"alice/one": "synced", "alice/two": "synced"}
    assert (second, third) == ({}, {"alice/one": "synced"})
    assert jj.operations("one") == ["first", "second"]


def test_repository_that_cannot_be_read_keeps_no_other_from_being_synced(jj: WatchSite) -> None:
    head = jj.operate(jj.add("bad"), "lost")
    (jj.root / "alice/bad/.jj/repo/op_store/operations" / head).write_bytes(b"torn")
    jj.add("good")

    reports = list(sync_all(jj.sessions, jj.root, workers=2))

    assert [report.state for report in reports] == ["failed", "synced"]
    with pytest.raises(BatchError, match="1 of 2 repositories failed, first alice/bad"):
        raise_for_failed_repositories(reports)
    bad = watching.list_watched(jj.sessions, jj.root)[0]
    assert (bad.name, bad.failures, bad.error) == ("bad", 1, reports[0].error)
    assert watching.watch_status(jj.sessions, jj.root, jj.root).failing == 1


@pytest.mark.parametrize("leaves_a_folder", [False, True])
def test_pass_says_that_the_disk_is_gone(jj: WatchSite, *, leaves_a_folder: bool) -> None:
    jj.add("one")
    states(jj)
    away = jj.root.with_name("away")
    jj.root.rename(away)
    if leaves_a_folder:
        jj.root.mkdir()

    with pytest.raises(UnavailableError, match="gone"):
        states(jj)
    if leaves_a_folder:
        jj.root.rmdir()
    away.rename(jj.root)

    assert states(jj) == {}
    assert jj.states()["one"].failures == 0


def test_failure_is_forgotten_when_the_repository_is_whole_again(jj: WatchSite) -> None:
    writer = jj.add()
    states(jj)
    (folder,) = writer.repo.glob("op_heads/heads")
    folder.rename(writer.repo / "away")
    assert states(jj) == {"alice/demo": "failed"}
    assert states(jj) == {"alice/demo": "failed"}
    assert jj.state().failures == 2

    (writer.repo / "away").rename(folder)

    assert states(jj) == {"alice/demo": "unchanged"}
    assert (jj.state().failures, jj.state().error) == (0, None)


def test_pointer_that_leads_out_of_the_root_is_refused(jj: WatchSite, tmp_path: Path) -> None:
    writer = jj.add()
    shutil.move(writer.repo, tmp_path / "outside")
    writer.repo.write_bytes(os.fsencode(tmp_path / "outside"))

    (report,) = sync_all(jj.sessions, jj.root)

    assert report.state == "failed"
    assert report.error is not None
    assert "leads out of" in report.error


def test_removed_repository_is_left_alone_until_it_is_added_again(jj: WatchSite) -> None:
    writer = jj.add()

    assert watching.remove_watch(jj.sessions, jj.root, DEMO)
    assert not watching.remove_watch(jj.sessions, jj.root, DEMO)
    assert (names(jj), states(jj)) == ([], {})
    assert watching.add_watch(jj.sessions, jj.root, DEMO)
    assert not watching.add_watch(jj.sessions, jj.root, DEMO)

    assert names(jj) == ["demo"]
    assert states(jj) == {"alice/demo": "synced"}
    assert audited(jj) == [("watch.remove", "alice/demo"), ("watch.add", "alice/demo")]
    assert writer.workspace == Path(jj.state().path)


def test_one_that_is_watched_anyway_is_added_without_a_trace(jj: WatchSite) -> None:
    jj.add()

    assert not watching.add_watch(jj.sessions, jj.root, DEMO)

    assert audited(jj) == []


def test_of_many_who_remove_one_at_once_one_is_told_that_it_is_news(jj: WatchSite) -> None:
    jj.add()
    news: list[bool] = []

    failures = run_at_once(
        [lambda: news.append(watching.remove_watch(jj.sessions, jj.root, DEMO))] * 4
    )

    assert failures == [None] * 4
    assert sorted(news) == [False, False, False, True]
    assert audited(jj) == [("watch.remove", "alice/demo")]


def test_removed_repository_can_be_read_at_once_and_stays_removed(jj: WatchSite) -> None:
    jj.add()
    watching.remove_watch(jj.sessions, jj.root, DEMO)

    report = watching.sync_now(jj.sessions, jj.root, DEMO)

    assert (report.state, report.operations) == ("synced", 1)
    assert names(jj) == []


def test_reading_one_says_what_is_wrong_with_it(jj: WatchSite) -> None:
    with pytest.raises(NotFoundError):
        watching.sync_now(jj.sessions, jj.root, DEMO)
    jj.add_row()
    with pytest.raises(NoJjRepositoryError, match="alice/demo has no jj repository"):
        watching.add_watch(jj.sessions, jj.root, DEMO)
    writer = jj.add_workspace()
    writer.operation_file(jj.operate(writer, "lost")).write_bytes(b"torn")

    with pytest.raises(DamagedJjError):
        watching.sync_now(jj.sessions, jj.root, DEMO)

    assert jj.state().failures == 1


def test_status_counts(jj: WatchSite, tmp_path: Path) -> None:
    jj.add()
    jj.add("other")
    watching.remove_watch(jj.sessions, jj.root, DEMO)

    status = watching.watch_status(jj.sessions, jj.root, tmp_path)

    assert status == watching.WatchStatus(
        running=False, watchers=0, watched=1, ignored=1, failing=0
    )


@pytest.mark.parametrize("_databases", ["sqlite"], indirect=True)
def test_with_sqlite_whoever_has_the_lock_is_at_work(jj: WatchSite, tmp_path: Path) -> None:
    with lock_file(lock_path(tmp_path)):
        assert watching.watch_status(jj.sessions, jj.root, tmp_path).running
    assert not watching.watch_status(jj.sessions, jj.root, tmp_path).running


def test_file_of_another_user_is_told_with_what_to_do_about_it() -> None:
    with as_nobody_in() as folder:
        engine = open_engine(migrated(f"sqlite:///{folder}/wit.db"))
        jj = WatchSite(make_sessions(engine), folder / "repos")
        writer = jj.add()
        writer.operation_file(jj.operate(writer, "private")).chmod(0)

        (report,) = sync_all(jj.sessions, jj.root)

        assert report.is_failure
        assert report.error is not None
        assert "may not be read by this user" in report.error
        assert "run as that user" in (report.hint or "")
        assert "run as that user" in (jj.state().error or "")
        engine.dispose()
