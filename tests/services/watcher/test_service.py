"""The watcher at work: what jj does in repositories comes to stand in the database."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from tests.support.databases import migrated
from tests.support.postgres import stoppable_postgres
from tests.support.processes import wait_until
from tests.support.watch_site import WatchSite
from wit_admin.db.base import utc_now
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.repositories import Repository
from wit_admin.jj.head_events import HeadEvents, Inotify, NoEvents, open_head_events
from wit_admin.names import RepoName
from wit_admin.services.watcher import watching
from wit_admin.services.watcher.claims import open_claims
from wit_admin.services.watcher.inventory import Inventory
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.recorded_sync import JjReader, SyncReport, Target
from wit_admin.services.watcher.schedule import retry_delay_s
from wit_admin.services.watcher.service import Watcher, WatchOptions
from wit_admin.services.watcher.watch_list import Watched

NEVER_S = 3600.0
PATIENCE_S = 120.0


class Recorder(Observer):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.watched: int | None = None
        self.polled = 0
        self.losses = 0
        self.reports: list[SyncReport] = []
        self.delays: list[float] = []

    def ready(self, watched: int) -> None:
        self.watched = watched

    def counted(self, watched: int, polled: int) -> None:
        if self.watched is not None:
            self.watched, self.polled = watched, polled

    def detected(self, seconds: float) -> None:
        self.delays.append(seconds)

    def lost_events(self) -> None:
        self.losses += 1

    def reported(self, report: SyncReport) -> None:
        self.reports.append(report)


def make_watcher(
    sessions: sessionmaker[Session],
    jj: WatchSite,
    recorder: Recorder,
    events: HeadEvents[Any],
    poll_interval_s: float = NEVER_S,
) -> Watcher:
    return Watcher(
        JjReader(sessions, jj.root, retry_delay_s=retry_delay_s),
        Inventory(sessions, open_claims(sessions, jj.root.parent)),
        events,
        WatchOptions(poll_interval_s=poll_interval_s, ask_s=0.1),
        recorder,
    )


@contextmanager
def watched(
    jj: WatchSite,
    *,
    poll_interval_s: float = NEVER_S,
    events: HeadEvents[Any] | None = None,
    recorder: Recorder | None = None,
) -> Iterator[Recorder]:
    """Run a watcher; by default nothing is found by looking now and then."""
    recorder = recorder or Recorder()
    watcher = make_watcher(jj.sessions, jj, recorder, events or open_head_events(), poll_interval_s)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        wait(lambda: recorder.watched is not None)
        yield recorder
    finally:
        watcher.stop()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def wait(condition: Any) -> None:
    wait_until(condition, within_s=PATIENCE_S)


def test_what_stands_there_is_read_and_so_is_what_jj_does_later(jj: WatchSite) -> None:
    one, two = jj.add("one"), jj.add("two", inside=True)

    with watched(jj) as recorder:
        wait(lambda: jj.operations("one") == jj.operations("two") == ["first"])
        assert (recorder.watched, recorder.polled) == (2, 0)
        for number in range(5):
            jj.operate(one, f"one {number}")
            jj.operate(two, f"two {number}")

        wait(lambda: jj.operations("one") == ["first", *(f"one {n}" for n in range(5))])
        wait(lambda: jj.operations("two") == ["first", *(f"two {n}" for n in range(5))])

    assert len(recorder.delays) >= 4
    assert max(recorder.delays) < PATIENCE_S


def test_what_was_read_already_is_not_read_again_at_the_next_start(jj: WatchSite) -> None:
    jj.add("old")
    with watched(jj):
        wait(lambda: jj.operations("old") == ["first"])
    writer = jj.add("new")

    with watched(jj) as recorder:
        wait(lambda: jj.operations("new") == ["first"])
        jj.operate(writer, "second")
        wait(lambda: len(jj.operations("new")) == 2)

    assert {report.repository for report in recorder.reports} == {"alice/new"}


def test_without_events_everything_is_found_by_looking(jj: WatchSite) -> None:
    writer = jj.add()

    with watched(jj, events=NoEvents(), poll_interval_s=0.05) as recorder:
        wait(lambda: jj.operations() == ["first"] and recorder.polled == 1)
        jj.operate(writer, "second")

        wait(lambda: jj.operations() == ["first", "second"])


def test_several_heads_are_read_as_they_stand_and_again_when_they_are_one(jj: WatchSite) -> None:
    writer = jj.add()
    with watched(jj):
        wait(lambda: jj.operations() == ["first"])
        first = jj.head_of(writer)
        heads = [
            writer.operation(writer.view(writer.commit(description=side)), first, description=side)
            for side in ("left", "right")
        ]
        writer.set_heads(*heads)
        wait(lambda: set(jj.operations()) == {"first", "left", "right"})

        writer.publish(writer.view(writer.commit()), *heads, description="merged")

        wait(lambda: set(jj.operations()) == {"first", "left", "right", "merged"})


def test_repositories_come_and_go_without_a_restart(jj: WatchSite) -> None:
    jj.add_row("late")
    with watched(jj, poll_interval_s=0.2) as recorder:
        assert recorder.watched == 0
        jj.add("new")
        wait(lambda: jj.operations("new") == ["first"])
        # Whole at once: of one without an operation yet the watcher would say that it is damaged.
        late = jj.add_workspace("unknown").workspace.rename(jj.root / "alice/late")
        wait(lambda: jj.operations("late") == ["first"])

        with jj.sessions.begin() as session:
            session.execute(
                update(Repository)
                .where(Repository.name == "new")
                .values(deleted_at=utc_now(), updated_at=utc_now())
            )
        wait(lambda: recorder.watched == 1)
        late.rename(jj.root / "away")
        wait(lambda: recorder.watched == 0)

    assert not any(report.is_failure for report in recorder.reports)


def test_repository_taken_off_the_list_is_left_alone_until_it_is_back(jj: WatchSite) -> None:
    writer, name = jj.add(), RepoName("alice", "demo")
    with watched(jj) as recorder:
        wait(lambda: jj.operations() == ["first"])
        watching.remove_watch(jj.sessions, jj.root, name)
        wait(lambda: recorder.watched == 0)
        jj.operate(writer, "second")

        watching.add_watch(jj.sessions, jj.root, name)

        wait(lambda: jj.operations() == ["first", "second"])
        wait(lambda: len(recorder.reports) >= 2)
    assert len(recorder.reports) == 2


def test_repository_whose_folder_was_moved_is_followed(jj: WatchSite) -> None:
    writer = jj.add()
    with watched(jj) as recorder:
        wait(lambda: jj.operations() == ["first"])
        head = jj.operate(writer, "second")
        view = writer.view(writer.commit())
        wait(lambda: len(jj.operations()) == 2)
        moved = jj.root / "alice/moved"
        writer.workspace.rename(moved)
        with jj.sessions.begin() as session:
            session.execute(
                update(Repository).values(disk_path="alice/moved.git", updated_at=utc_now())
            )
        writer.repo = moved / ".jj/repo"
        writer.publish(view, head, description="third")

        wait(lambda: jj.operations() == ["first", "second", "third"])
        wait(lambda: (recorder.watched, recorder.polled) == (1, 0))


@pytest.mark.parametrize("is_whole", [True, False])
def test_another_repository_in_the_place_of_one_is_followed(
    jj: WatchSite, *, is_whole: bool
) -> None:
    """The folder of heads itself is replaced, which the kernel tells, or one far above it."""
    writer = jj.add()
    other = jj.add_workspace("other")
    with watched(jj, poll_interval_s=0.2 if is_whole else NEVER_S):
        wait(lambda: jj.operations() == ["first"])
        place, source = (
            (writer.workspace, other.workspace) if is_whole else (writer.repo, other.repo)
        )
        shutil.rmtree(place)
        source.rename(place)
        writer.repo.joinpath("op_heads/heads/lock").touch()
        jj.operate(writer, "of the other")

        wait(lambda: "of the other" in jj.operations())
        jj.operate(writer, "and on")
        wait(lambda: "and on" in jj.operations())


def test_watch_that_cannot_be_set_at_first_is_set_with_the_next_sync(
    jj: WatchSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a folder is replaced: for a moment there is none."""
    writer = jj.add()
    real, refused = Inotify[Watched].watch, list[str]()

    def watch(events: Inotify[Watched], key: Watched, folder: str) -> int | None:
        if not refused:
            refused.append(folder)
            return None
        return real(events, key, folder)

    monkeypatch.setattr(Inotify, "watch", watch)
    with watched(jj, poll_interval_s=NEVER_S):
        wait(lambda: jj.operations() == ["first"])
        jj.operate(writer, "and on")
        wait(lambda: "and on" in jj.operations())
    assert refused


def test_repository_that_comes_while_it_is_synced_is_watched(
    jj: WatchSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = jj.add()
    away = writer.repo.with_name("away")
    writer.repo.rename(away)
    real = JjReader.try_sync

    def try_sync(reader: JjReader, target: Target) -> SyncReport:
        if away.exists():
            away.rename(writer.repo)
        return real(reader, target)

    monkeypatch.setattr(JjReader, "try_sync", try_sync)
    with watched(jj, poll_interval_s=NEVER_S):
        wait(lambda: jj.operations() == ["first"])
        jj.operate(writer, "and on")
        wait(lambda: "and on" in jj.operations())


def test_broken_repository_is_reported_and_stops_no_other(jj: WatchSite) -> None:
    bad, good = jj.add("bad"), jj.add("good")
    bad.operation_file(jj.operate(bad, "torn")).write_bytes(b"torn")

    with watched(jj) as recorder:
        wait(lambda: "bad" in jj.states())
        jj.operate(good, "second")
        wait(lambda: jj.operations("good") == ["first", "second"])
        state = jj.states()["bad"]
        assert state.failures >= 1
        assert state.error is not None
        assert state.next_attempt_at is not None

        bad.set_heads(bad.operation(bad.view(bad.commit()), description="whole"))

        wait(lambda: jj.operations("bad") == ["whole"])
        wait(lambda: jj.states()["bad"].failures == 0)
    assert jj.states()["bad"].error is None
    assert {report.repository for report in recorder.reports if report.is_failure} == {"alice/bad"}


@pytest.mark.parametrize("leaves_a_folder", [False, True])
@pytest.mark.parametrize("has_events", [False, True])
def test_disk_that_goes_and_comes_back_is_told_of_once_each(
    jj: WatchSite, caplog: pytest.LogCaptureFixture, *, leaves_a_folder: bool, has_events: bool
) -> None:
    """A mount point that is left behind is empty."""
    names = [f"r{number}" for number in range(20)]
    writers = [jj.add(name) for name in names]
    away = jj.root.with_name("away")
    caplog.set_level(logging.INFO, logger="wit_admin.services.watcher")
    events = None if has_events else NoEvents[Any]()

    with watched(jj, poll_interval_s=0.2, events=events) as recorder:
        wait(lambda: all(jj.operations(name) == ["first"] for name in names))
        jj.root.rename(away)
        if leaves_a_folder:
            jj.root.mkdir()
        for writer in writers:
            # Whatever is still told of the old place.
            (away / writer.repo.relative_to(jj.root) / "op_heads/heads/lock").touch()
        wait(lambda: "is gone" in caplog.text)
        if leaves_a_folder:
            jj.root.rmdir()
        away.rename(jj.root)
        wait(lambda: "is back" in caplog.text)
        for writer in writers:
            jj.operate(writer, "second")
        wait(lambda: all(jj.operations(name) == ["first", "second"] for name in names))
        wait(lambda: recorder.watched == len(names))

    # A server of the database that answered late is told of, too.
    assert len([text for text in caplog.messages if "database" not in text]) == 2
    assert all(state.failures == 0 for state in jj.states().values())


def test_events_that_were_lost_are_made_up_for_by_looking_at_all(jj: WatchSite) -> None:
    writers = [jj.add(f"r{number}") for number in range(3)]
    events = Deaf()

    with watched(jj, events=events) as recorder:
        for number in range(3):
            wait(lambda: jj.operations(f"r{number}") == ["first"])  # noqa: B023  waited for at once
        for writer in writers:
            jj.operate(writer, "second")
        events.losses.append("all")
        for number in range(3):
            wait(lambda: len(jj.operations(f"r{number}")) == 2)  # noqa: B023
    assert recorder.losses == 1


def test_events_that_were_lost_during_a_sync_are_made_up_for_after_it(
    jj: WatchSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, events, recorder = jj.add(), Deaf(), Recorder()
    real = JjReader.try_sync

    def try_sync(reader: JjReader, target: Target) -> SyncReport:
        report = real(reader, target)
        if not recorder.losses:
            jj.operate(writer, "second")
            events.losses.append("all")
            wait(lambda: recorder.losses)
        return report

    monkeypatch.setattr(JjReader, "try_sync", try_sync)
    with watched(jj, events=events, recorder=recorder):
        wait(lambda: jj.operations() == ["first", "second"])


@pytest.mark.parametrize("_databases", ["sqlite"], indirect=True)
def test_watcher_ends_with_the_process_that_started_it(jj: WatchSite) -> None:
    ours, parents = os.pipe()
    watcher = make_watcher(jj.sessions, jj, Recorder(), NoEvents())
    thread = threading.Thread(target=lambda: watcher.run(lifeline=ours))
    thread.start()

    os.close(parents)
    thread.join(PATIENCE_S)

    assert not thread.is_alive()
    os.close(ours)


@pytest.mark.postgresql
def test_database_that_was_away_is_caught_up_with(tmp_path: Path) -> None:
    with stoppable_postgres() as server:
        engine, its_engine = open_engine(server.url), open_engine(server.url)
        with server.running():
            migrated(server.url)
            jj = WatchSite(make_sessions(engine), tmp_path / "repos")
            writer = jj.add()
        recorder = Recorder()
        watcher = make_watcher(make_sessions(its_engine), jj, recorder, open_head_events())
        thread = threading.Thread(target=watcher.run)
        thread.start()
        try:
            with server.running():
                wait(lambda: recorder.watched == 1 and jj.operations() == ["first"])
            jj.operate(writer, "while it was away")
            with server.running():
                wait(lambda: jj.operations() == ["first", "while it was away"])
                assert jj.state().failures == 0
        finally:
            watcher.stop()
            thread.join(PATIENCE_S)
            engine.dispose()
            its_engine.dispose()


def test_many_writers_at_once_in_one_repository_end_in_its_last_state(jj: WatchSite) -> None:
    """Each publishes on top of what it sees, as concurrent jj commands would."""
    writer = jj.add()
    first = jj.head_of(writer)
    views = [writer.view(writer.commit(description=f"{number}")) for number in range(200)]
    operations = [writer.operation(view, first, description="side") for view in views]
    heads = writer.repo / "op_heads/heads"

    def publish(mine: list[str]) -> None:
        for operation in mine:
            (heads / operation).touch()

    with watched(jj) as recorder:
        threads = [threading.Thread(target=publish, args=(operations[n::20],)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.publish(writer.view(writer.commit()), *operations, description="merged")

        wait(lambda: len(jj.operations()) == 202)

    assert not any(report.is_failure for report in recorder.reports)


class Deaf(NoEvents[Any]):
    """Loses all events, and says so when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[str] = []

    def read(self) -> Any:
        happened = super().read()
        happened.is_incomplete = bool(self.losses) and bool(self.losses.pop())
        return happened
