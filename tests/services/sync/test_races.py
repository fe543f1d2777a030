"""Syncs that are killed, that run beside each other, and beside pushes, lose nothing."""

from __future__ import annotations

import os
import random
import sys
import threading
import uuid
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from tests.support import forker
from tests.support.repositories import commit, new_work
from tests.support.server import run_git
from tests.support.sync_site import Site
from wit_admin.db.base import utc_now
from wit_admin.db.models.events import AuditEvent
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.db.queries import pushes, reconcile, repositories
from wit_admin.git.repositories import many_summaries
from wit_admin.git.repositories.summary import summarize
from wit_admin.git.repositories.walk import Found
from wit_admin.services import housekeeping
from wit_admin.services.sync.adoption import Adoption
from wit_admin.services.sync.folders import Folder, RootFolder
from wit_admin.services.sync.moves import Moves

ROUNDS = int(os.environ.get("WIT_TEST_KILLS", "10"))


def test_row_that_was_made_while_the_sync_planned_stays(ground: Site) -> None:
    ground.add("alice/demo.git")
    plan = ground.plan()
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id

    ground.apply(plan)

    assert ground.rows()["alice/demo"].id == repo_id
    ground.assert_settled()


def test_push_that_overtakes_a_sync_is_not_undone(ground: Site) -> None:
    folders = [ground.add(f"alice/{name}.git") for name in ("demo", "one", "two")]
    ground.sync()
    for folder in folders:
        (folder / "HEAD.lock").write_text("ref: refs/heads/old\n")
        (folder / "HEAD.lock").rename(folder / "HEAD")
    plan = ground.plan()
    with ground.sessions.begin() as session:
        pushes.touch_repository(
            session, ground.rows()["alice/demo"].id, pushed_at=utc_now(), default_branch="new"
        )

    assert ground.apply(plan).done == {"refresh": 3}

    rows = ground.rows()
    assert [rows[f"alice/{name}"].default_branch for name in ("demo", "one", "two")] == [
        "new",
        "old",
        "old",
    ]
    assert rows["alice/demo"].pushed_at is not None
    with ground.sessions() as session:
        told = select(AuditEvent.target_name).where(AuditEvent.action == "repository.refresh")
        assert set(session.scalars(told)) == {"alice/one", "alice/two"}


@pytest.mark.parametrize("is_deleted", [False, True])
def test_row_that_is_purged_while_the_sync_planned_fails_alone(
    ground: Site, is_deleted: bool
) -> None:
    folders = [ground.add(f"alice/{name}.git") for name in ("demo", "one")]
    ground.sync()
    ids = [ground.rows()[f"alice/{folder.stem}"].id for folder in folders]
    with ground.sessions.begin() as session:
        for repo_id in ids if is_deleted else ():
            place = f".trash/{repo_id}"
            repositories.delete_repository(session, repo_id, trash_path=place, now=utc_now())
    for folder in () if is_deleted else folders:
        folder.rename(folder.with_stem(f"{folder.stem}-moved"))
    plan = ground.plan()
    with ground.sessions.begin() as session:
        session.execute(delete(Repository).where(Repository.id == ids[0]))

    applied = ground.apply(plan)

    assert [failure.target for failure in applied.failures] == ["alice/demo"]
    assert [row.id for row in ground.rows().values()] == [ids[1]]
    ground.sync()
    ground.assert_settled()


def test_row_that_was_made_between_both_looks_is_left_alone(ground: Site) -> None:
    for own in ({}, {"id": str(uuid.UUID(int=7))}):
        path = f"alice/demo{len(own)}.git"
        seen = summarize(str(ground.add(path, own=own)))
        folder = Folder.of(Found(path, b"", 0, 0), seen, None, is_news=True)
        ground.sync()
        adoption = Adoption(
            ground.sessions, RootFolder(ground.root), Visibility.PRIVATE, is_exact=False
        )
        with ground.sessions() as session:
            by_id = {row.id: row for row in reconcile.list_at(session, [path])}

        adoption.plan([folder], by_id, Moves({}, {}))

        assert (adoption.actions, adoption.remarks) == ([], [])


@pytest.fixture
def many(ground: Site) -> Site:
    """Three hundred repositories that the database does not know."""
    for number in range(300):
        ground.add(f"owner{number % 7}/repo{number}.git")
    return ground


@pytest.mark.parametrize("lives", [True, False])
def test_repositories_are_adopted_with_a_helper_and_when_it_dies(
    many: Site, lives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_summaries, "_count_cores", lambda: 2)
    monkeypatch.setattr(many_summaries, "WORTH_A_HELPER", 20)
    if not lives:
        dead = (sys.executable, "-c", "import sys; sys.stdin.buffer.read(9)")
        monkeypatch.setattr(many_summaries, "own_program", lambda *_: dead)
    (many.root / "owner3/repo3.git/HEAD").unlink()

    applied = many.sync(part_size=150)

    assert applied.done == {"owner": 7, "adopt": 299}
    assert [remark.target for remark in applied.remarks] == ["owner3/repo3.git"]
    many.assert_settled()


@pytest.fixture
def environment(ground: Site, database_url: str) -> dict[str, str]:
    """That of commands for this ground."""
    return {**os.environ, "DATABASE_URL": database_url, "WIT_HOME": str(ground.root.parent)}


@pytest.mark.parametrize("command", ["sync-repos", "sync"])
def test_commands_that_are_killed_lose_nothing(
    ground: Site, environment: dict[str, str], command: str
) -> None:
    chance = random.Random(11)
    ids: dict[str, uuid.UUID] = {}
    for number in range(ROUNDS):
        shake(ground, chance, number)
        forker.start([command], environment).kill(after_s=chance.uniform(0.05, 0.9))
        for row in ground.rows().values():
            if row.description is not None:
                assert ids.setdefault(row.description, row.id) == row.id

    ended = forker.run(["sync-repos"], environment)

    assert ended.returncode == 0, ended.stderr
    rows = ground.rows()
    folders = sorted(str(path.relative_to(ground.root)) for path in ground.root.glob("*/*.git"))
    assert sorted(row.disk_path for row in rows.values()) == folders
    for row in rows.values():
        text = (ground.root / row.disk_path / "description").read_text()
        assert (row.description, ids.get(text, row.id)) == (text, row.id)
        assert ground.own(row.disk_path)["id"] == str(row.id)
    ground.sync()
    ground.assert_settled()
    for path in ground.root.rglob("config.wit-*"):
        os.utime(path, (0, 0))
    housekeeping.sweep_locks(ground.root)
    assert list(ground.root.rglob("config.*")) == []


def shake(ground: Site, chance: random.Random, number: int) -> None:
    """Make repositories, move some, swap two, and let HEAD of some name another branch."""
    for index in range(25):
        folder = ground.add(f"owner{index % 5}/made{number}-{index}.git")
        (folder / "description").write_text(f"{number}-{index}")
    folders = sorted(ground.root.glob("*/*.git"))
    for folder in chance.sample(folders, 3):
        (folder / "HEAD.new").write_text(f"ref: refs/heads/b{number}\n")
        (folder / "HEAD.new").rename(folder / "HEAD")
    # Whoever has no id yet is called by its place, where another's name may be by then.
    known = [path for path in folders if ground.own(str(path.relative_to(ground.root)))]
    if len(known) > 1:
        one, other = chance.sample(known, 2)
        one.rename(ground.root / "away")
        other.rename(one)
        (ground.root / "away").rename(other)
    for folder in chance.sample(folders, 4):
        folder.rename(folder.with_name(f"moved{number}-{folder.name}"))


@pytest.mark.parametrize("command", ["sync-repos", "sync"])
def test_two_at_once_end_as_one(many: Site, environment: dict[str, str], command: str) -> None:
    started = [forker.start([command], environment) for _ in range(2)]
    ended = [each.finish() for each in started]

    assert [each.returncode for each in ended] == [0, 0]
    assert len(many.rows()) == 300
    assert sum("adopt" in each.stdout + each.stderr for each in ended) == 1
    many.assert_settled()


def test_marks_are_written_beside_pushes(many: Site, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    commit(work, "one")

    def push() -> None:
        for number in range(20):
            folder = many.root / f"owner{number % 7}/repo{number}.git"
            run_git(work, "push", "--quiet", str(folder), "main")

    thread = threading.Thread(target=push)
    thread.start()
    many.sync()
    thread.join()
    many.sync()

    assert len(many.rows()) == 300
    assert many.rows()["owner0/repo0"].pushed_at is not None
    many.assert_settled()
