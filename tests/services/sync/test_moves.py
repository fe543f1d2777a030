"""What was moved, copied or swapped by hand is known by the id in its config."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest
from sqlalchemy import delete

from tests.support.repositories import commit, new_work, oid_of
from tests.support.server import run_git
from tests.support.sync_site import Site
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import serving
from wit_admin.names import RepoName
from wit_admin.services.repositories.moves import rename_repository


def test_moved_folder_is_followed_and_its_old_name_leads_to_it(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id
    (ground.root / "bob").mkdir()
    (ground.root / "alice/demo.git").rename(ground.root / "bob/tools.git")

    applied = ground.sync()

    assert applied.done == {"owner": 1, "move": 1}
    row = ground.rows()["bob/tools"]
    assert (row.id, row.disk_path) == (repo_id, "bob/tools.git")
    with ground.sessions() as session:
        served = serving.find_served(session, RepoName("alice", "demo"), None)
    assert served is not None
    assert served.repo_id == repo_id
    ground.assert_settled()


def test_folder_of_a_renamed_repository_that_is_moved_keeps_the_name(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    rename_repository(ground.sessions, ground.root, RepoName("alice", "demo"), "tools")
    (ground.root / "bob").mkdir()
    (ground.root / "alice/demo.git").rename(ground.root / "bob/demo.git")

    ground.sync()

    assert ground.rows()["bob/tools"].disk_path == "bob/demo.git"


def test_copy_is_a_repository_of_its_own(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    shutil.copytree(ground.root / "alice/demo.git", ground.root / "alice/copy.git")

    ground.sync()

    rows = ground.rows()
    assert set(rows) == {"alice/demo", "alice/copy"}
    assert rows["alice/demo"].disk_path == "alice/demo.git"
    assert ground.own("alice/copy.git")["id"] == str(rows["alice/copy"].id)
    ground.assert_settled()


def test_folder_that_never_had_an_id_is_known_by_its_name(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id
    shutil.rmtree(ground.root / "alice/demo.git")
    ground.add("alice/demo")

    ground.sync()

    row = ground.rows()["alice/demo"]
    assert (row.id, row.disk_path) == (repo_id, "alice/demo")


@pytest.mark.parametrize("copy", ["backup.git", "zcopy.git"])
def test_of_copies_the_one_in_its_place_is_the_original(ground: Site, copy: str) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id
    shutil.copytree(ground.root / "alice/demo.git", ground.root / "alice" / copy)
    ground.forget_everything()

    ground.sync()

    assert set(ground.rows()) == {"alice/demo", f"alice/{copy.removesuffix('.git')}"}
    assert ground.rows()["alice/demo"].id == repo_id
    ground.assert_settled()


def test_folders_that_changed_places_are_followed(ground: Site, tmp_path: Path) -> None:
    folders = [ground.add(f"alice/{name}.git") for name in "abc"]
    ground.sync()
    ids = {name: row.id for name, row in ground.rows().items()}
    folders[0].rename(tmp_path / "away")
    folders[1].rename(folders[0])
    folders[2].rename(folders[1])
    (tmp_path / "away").rename(folders[2])

    applied = ground.sync()

    assert applied.done == {"move": 3}
    rows = ground.rows()
    assert {name: row.id for name, row in rows.items()} == ids
    assert {name: row.disk_path for name, row in rows.items()} == {
        "alice/a": "alice/c.git",
        "alice/b": "alice/a.git",
        "alice/c": "alice/b.git",
    }
    ground.assert_settled()


def test_two_that_changed_places_keep_their_names_though_one_has_no_row(
    ground: Site, tmp_path: Path
) -> None:
    """A killed sync had marked it, and not adopted it yet."""
    ground.add("alice/b.git")
    ground.sync()
    own = {"id": str(uuid.UUID(int=7)), "owner": "alice", "name": "a"}
    ground.add("alice/a.git", own=own)
    swap(ground.root / "alice/a.git", ground.root / "alice/b.git", tmp_path)

    applied = ground.sync()

    assert applied.failures == ()
    assert ground.rows()["alice/a"].id == uuid.UUID(int=7)
    assert ground.rows()["alice/b"].disk_path == "alice/a.git"
    ground.assert_settled()


def test_new_repository_in_the_old_place_is_one_of_its_own(ground: Site) -> None:
    folder = ground.add("alice/demo.git")
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id
    folder.rename(ground.root / "alice/old.git")
    ground.add("alice/demo.git")

    ground.sync()
    ground.sync()

    assert ground.rows()["alice/old"].id == repo_id
    assert ground.rows()["alice/demo"].disk_path == "alice/demo.git"
    ground.assert_settled()


def test_repository_in_the_place_of_another_is_a_failure_and_nothing_is_pruned(
    ground: Site,
) -> None:
    folders = [ground.add(f"alice/{name}.git") for name in "ab"]
    ground.sync()
    before = {name: (row.id, row.disk_path) for name, row in ground.rows().items()}
    shutil.rmtree(folders[0])
    folders[1].rename(folders[0])

    applied = ground.sync(prune=True, max_prune_percent=100)

    assert [(remark.kind, remark.is_failure) for remark in applied.remarks] == [("swapped", True)]
    assert {name: (row.id, row.disk_path) for name, row in ground.rows().items()} == before


def test_copy_over_another_belongs_to_that_one(ground: Site, tmp_path: Path) -> None:
    source, target = ground.add("alice/a.git"), ground.add("alice/b.git")
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "push", "--quiet", str(source), "main")
    ground.sync()
    repo_id = ground.rows()["alice/b"].id
    shutil.rmtree(target)
    shutil.copytree(source, target)

    ground.sync()

    assert ground.rows()["alice/b"].id == repo_id
    assert ground.own("alice/b.git")["id"] == str(repo_id)
    assert oid_of(target, "main") == oid_of(source, "main")
    ground.assert_settled()


def test_move_to_a_name_that_is_taken_is_followed_and_told(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.add("alice/one.git")
    ground.add("bob/tools.git")
    ground.sync()
    rename_repository(ground.sessions, ground.root, RepoName("bob", "tools"), "demo")
    (ground.root / "alice/demo.git").rename(ground.root / "bob/demo.git")
    (ground.root / "alice/one.git").rename(ground.root / "bob/one.git")

    applied = ground.sync()

    assert [failure.kind for failure in applied.failures] == ["move"]
    assert ground.rows()["alice/demo"].disk_path == "bob/demo.git"
    events = {event.target_name: event for event in ground.audited("repository.move")}
    assert len(ground.audited("repository.move")) == len(events) == 2
    assert events["alice/demo"].after == {"disk_path": "bob/demo.git"}
    assert events["alice/one"].before == {"name": "alice/one", "disk_path": "alice/one.git"}
    assert events["alice/one"].after == {"name": "bob/one", "disk_path": "bob/one.git"}
    ground.assert_settled()


def test_who_takes_the_place_of_one_without_a_row_leaves_it_its_name(
    ground: Site, tmp_path: Path
) -> None:
    folders = [ground.add(f"alice/{name}.git") for name in "abc"]
    ground.sync()
    ids = {name: row.id for name, row in ground.rows().items()}
    swap(folders[0], folders[1], tmp_path)
    ground.sync()
    # As after a run that was killed between the mark of "c" and its row.
    with ground.sessions.begin() as session:
        session.execute(delete(Repository).where(Repository.id == ids["alice/c"]))
    swap(folders[0], folders[2], tmp_path)

    ground.sync()

    rows = ground.rows()
    assert {name: row.id for name, row in rows.items()} == ids
    assert {name: row.disk_path for name, row in rows.items()} == {
        "alice/a": "alice/b.git",
        "alice/b": "alice/c.git",
        "alice/c": "alice/a.git",
    }
    ground.assert_settled()


def swap(one: Path, other: Path, tmp_path: Path) -> None:
    """Let two folders change places."""
    one.rename(tmp_path / "away")
    other.rename(one)
    (tmp_path / "away").rename(other)
