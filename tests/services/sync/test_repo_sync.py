"""A sync adopts what only the disk knows, and writes down what the disk says."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.support.builders import apply_task, make_user
from tests.support.processes import wait_until
from tests.support.repositories import commit, new_work
from tests.support.server import run_git
from tests.support.sync_site import Site, facts
from wit_admin.db.base import moment_of_id
from wit_admin.db.models.accounts import OwnerType, User
from wit_admin.db.models.organizations import Organization
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.errors import NotFoundError
from wit_admin.git.repositories import walk
from wit_admin.names import RepoName
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.organizations.organizations import claim_organization, create_organization
from wit_admin.services.owners.renaming import OwnerRenaming
from wit_admin.services.repositories import edits, moves, trash
from wit_admin.services.repositories.creation import RepositoryOrder, create_repository


def test_unknown_repository_is_adopted_with_a_placeholder_for_its_owner(ground: Site) -> None:
    folder = ground.add("alice/demo.git", head="trunk", object_format="sha256")
    (folder / "description").write_text("A try\n")

    applied = ground.sync()

    assert applied.done == {"owner": 1, "adopt": 1}
    row = ground.rows()["alice/demo"]
    assert (row.default_branch, row.description, row.visibility, row.object_format) == (
        "trunk",
        "A try",
        Visibility.PRIVATE,
        "sha256",
    )
    assert ground.own("alice/demo.git")["id"] == str(row.id)
    with ground.sessions() as session:
        assert session.scalars(select(User.is_placeholder)).all() == [True]


def test_dry_plan_changes_neither_disk_nor_database(ground: Site) -> None:
    folder = ground.add("alice/demo.git")
    before = (folder / "config").read_bytes()

    plan = ground.plan()

    assert plan.count() == {"owner": 1, "adopt": 1}
    assert (folder / "config").read_bytes() == before
    assert ground.rows() == {}
    assert sorted(path.name for path in ground.root.iterdir()) == ["alice"]


def test_second_run_changes_nothing(ground: Site) -> None:
    for name in ("a", "b", "c"):
        ground.add(f"alice/{name}.git")
    ground.sync()
    before = {name: row.updated_at for name, row in ground.rows().items()}

    applied = ground.sync()

    assert applied.done == {}
    assert {name: row.updated_at for name, row in ground.rows().items()} == before


def test_empty_database_gets_the_same_rows_back(ground: Site, tmp_path: Path) -> None:
    with ground.sessions.begin() as session:
        make_user(session, "alice")
        make_user(session, "Bob")
    descriptions = {"demo": 'Says "so" \\ # ; and more', "tools": None, "old": None}
    for name, description in descriptions.items():
        order = RepositoryOrder(Visibility.PUBLIC, description, "trunk")
        create_repository(ground.sessions, ground.root, RepoName("alice", name), order)
    ground.add("carol/found.git", object_format="sha256")
    ground.sync()
    # Names of renamed repositories were taken by others, so places say nothing.
    moves.rename_repository(ground.sessions, ground.root, RepoName("alice", "tools"), "hammer")
    order = RepositoryOrder(Visibility.PRIVATE)
    made = create_repository(ground.sessions, ground.root, RepoName("alice", "tools"), order)
    moves.transfer_repository(ground.sessions, ground.root, made.id, "Bob")
    edits.set_visibility(
        ground.sessions, ground.root, RepoName("alice", "hammer"), Visibility.PRIVATE
    )
    trash.delete_repository(ground.sessions, ground.root, RepoName("alice", "old"))
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "push", "--quiet", str(ground.root / "alice/demo.git"), "main:trunk")
    ground.sync()
    before = {name: facts(row) for name, row in ground.rows().items()}
    trashed = {name: facts(row) for name, row in ground.rows(deleted=True).items()}
    pushed_at = ground.rows()["alice/demo"].pushed_at
    ground.forget_everything()

    ground.sync()

    assert set(before) == {"alice/demo", "alice/hammer", "Bob/tools", "carol/found"}
    assert {name: facts(row) for name, row in ground.rows().items()} == before
    assert {name: facts(row) for name, row in ground.rows(deleted=True).items()} == trashed
    for row in ground.rows().values():
        assert row.created_at == moment_of_id(row.id, latest=row.updated_at) < row.updated_at
    again = ground.rows()["alice/demo"].pushed_at
    assert pushed_at is not None
    assert again is not None
    assert abs((again - pushed_at).total_seconds()) < 60
    ground.assert_settled()
    trash.restore_repository(ground.sessions, ground.root, RepoName("alice", "old"))
    ground.sync()
    assert facts(ground.rows()["alice/old"])["id"] == trashed["alice/old"]["id"]
    ground.assert_settled()


def test_what_changed_on_disk_is_written_down(ground: Site, tmp_path: Path) -> None:
    folder = ground.add("alice/demo.git")
    ground.sync()
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "push", "--quiet", str(folder), "main:trunk")
    run_git(folder, "symbolic-ref", "HEAD", "refs/heads/trunk")

    applied = ground.sync()

    assert applied.done == {"refresh": 1}
    row = ground.rows()["alice/demo"]
    assert row.default_branch == "trunk"
    assert row.pushed_at is not None
    assert row.size_bytes > 0
    ground.assert_settled()


def test_packing_is_no_push(ground: Site, tmp_path: Path) -> None:
    folder = ground.add("alice/demo.git")
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "push", "--quiet", str(folder), "main")
    ground.sync()
    before = ground.rows()["alice/demo"].pushed_at
    run_git(folder, "pack-refs", "--all")

    ground.sync()

    assert ground.rows()["alice/demo"].pushed_at == before


def test_row_decides_what_a_config_says(ground: Site) -> None:
    folder = ground.add("alice/demo.git")
    ground.sync()
    run_git(folder, "config", "--add", "wit.visibility", "public")
    run_git(folder, "config", "wit.id", str(uuid.UUID(int=1)))

    applied = ground.sync()

    row = ground.rows()["alice/demo"]
    told = ground.own("alice/demo.git")
    assert applied.done == {"mark": 1}
    assert row.visibility is Visibility.PRIVATE
    assert (told["visibility"], told["id"]) == ("private", str(row.id))


def test_config_gets_what_changed_while_the_volume_was_away(
    ground: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if its folders had not been written to for long.
    monkeypatch.setattr(walk, "_SETTLED_NS", -(10**15))
    for name in ("demo", "old", "other"):
        ground.add(f"alice/{name}.git")
    ground.sync()
    ground.root.rename(tmp_path / "away")
    sessions, root = ground.sessions, ground.root
    edits.set_visibility(sessions, root, RepoName("alice", "demo"), Visibility.PUBLIC)
    moves.rename_repository(sessions, root, RepoName("alice", "old"), "new")
    renaming = OwnerRenaming(sessions, root, OwnerType.USER, "alice", "alicia")
    apply_task(renaming.task(tmp_path / "run"))
    (tmp_path / "away").rename(root)

    assert ground.sync().done == {"mark": 3}

    told = {name: ground.own(f"alice/{name}.git") for name in ("demo", "old", "other")}
    assert {own["owner"] for own in told.values()} == {"alicia"}
    assert (told["demo"]["visibility"], told["old"]["name"]) == ("public", "new")
    assert ground.sync().done == {}


def test_only_one_owner_is_looked_at_when_asked(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.add("bob/other.git")

    ground.sync(owner="Alice")
    with pytest.raises(NotFoundError, match="'alise'"):
        ground.sync(owner="alise")

    assert set(ground.rows()) == {"alice/demo"}


def test_owner_who_is_known_gets_no_placeholder(ground: Site) -> None:
    with ground.sessions.begin() as session:
        make_user(session, "alice")
    ground.add("ALICE/demo.git")

    assert ground.sync().done == {"adopt": 1}
    assert set(ground.rows()) == {"alice/demo"}


def test_row_that_is_wrong_is_found_by_verify(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    with ground.sessions.begin() as session:
        session.execute(update(Repository).values(size_bytes=7))

    assert ground.sync(verify=True).done == {"refresh": 1}
    assert ground.rows()["alice/demo"].size_bytes == 0


def test_run_after_the_first_looks_into_nothing(ground: Site) -> None:
    """Marking what was adopted once made all of it look changed to the next run."""
    folder = ground.add("alice/demo.git")
    wait_until(lambda: time.time() - folder.stat().st_ctime > 2)
    ground.sync()
    assert ground.own("alice/demo.git")["name"] == "demo"
    # Whoever looked into it would stumble.
    (folder / "config").chmod(0o600)
    with (folder / "HEAD").open("r+") as head:
        head.write("ref: refs/heads/other")

    ground.sync()

    assert ground.rows()["alice/demo"].default_branch == "main"
    assert ground.sync(verify=True).done == {"refresh": 1}


def test_folder_of_an_owner_in_another_case_belongs_to_the_same(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.add("Alice/tools.git")

    assert ground.sync().done == {"owner": 1, "adopt": 2}

    assert {name.lower() for name in ground.rows()} == {"alice/demo", "alice/tools"}


def test_name_that_begins_with_a_dot_is_a_name(ground: Site) -> None:
    ground.add("alice/.github.git")
    ground.add("alice/.new-idea.git")

    ground.sync()

    assert set(ground.rows()) == {"alice/.github", "alice/.new-idea"}


def test_who_says_a_name_comes_before_who_stands_there(ground: Site) -> None:
    ground.add("alice/alpha.git")
    own = {"id": str(uuid.UUID(int=7)), "owner": "alice", "name": "alpha"}
    ground.add("alice/zeta.git", own=own)

    ground.sync()

    assert ground.rows()["alice/alpha"].disk_path == "alice/zeta.git"
    assert ground.remarks() == {"alice/alpha.git": "twin"}


def test_thousands_are_planned_in_parts(ground: Site) -> None:
    for number in range(7):
        ground.add(f"owner{number}/demo.git")

    applied = ground.sync(part_size=2)

    assert applied.done == {"owner": 7, "adopt": 7}
    ground.assert_settled()


@pytest.mark.parametrize("part_size", [1, 3, 100])
def test_what_changed_is_found_among_what_did_not(
    ground: Site, part_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "_AT_ONCE", 2)
    monkeypatch.setattr(walk, "_SETTLED_NS", 0)
    folders = [ground.add(f"alice/r{number}.git") for number in range(9)]
    (ground.root / "alice/r1/.jj").mkdir(parents=True)
    assert ground.sync(part_size=part_size).done == {"owner": 1, "adopt": 9}
    for folder in folders:
        # Whoever looked into an unchanged one would stumble.
        with (folder / "HEAD").open("r+") as head:
            head.write("ref: refs/heads/othr")
    plan = ground.plan(part_size=part_size)
    assert (plan.actions, plan.remarks) == ((), ())

    (folders[2] / "HEAD.lock").write_text("ref: refs/heads/new\n")
    (folders[2] / "HEAD.lock").rename(folders[2] / "HEAD")
    shutil.rmtree(folders[4])
    (folders[5] / "objects").rename(folders[5] / "elsewhere")
    (folders[5] / "objects").symlink_to("elsewhere")
    shutil.copytree(folders[8], ground.root / "alice/.new~r8.git")
    (folders[8] / "refs/heads/tip").touch()

    plan = ground.plan(part_size=part_size)
    assert {action.target for action in plan.actions} == {"alice/r2", "alice/r8"}
    assert sorted((remark.target, remark.kind) for remark in plan.remarks) == [
        ("alice/r4.git", "missing"),
        ("alice/r5.git", "broken"),
    ]


def test_archives_and_organizations_come_back_from_the_disk_alone(ground: Site) -> None:
    create_user(ground.sessions, "alice")
    create_organization(ground.sessions, "acme", owner="alice")
    name = RepoName("acme", "demo")
    create_repository(ground.sessions, ground.root, name, RepositoryOrder(Visibility.PUBLIC))
    edits.set_archived(ground.sessions, ground.root, name, archived=True)
    ground.sync()
    before = facts(ground.rows()["acme/demo"])
    ground.forget_everything()

    ground.sync()

    assert facts(ground.rows()["acme/demo"]) == before
    assert before["archived_at"] is not None
    with ground.sessions() as session:
        assert session.scalars(select(Organization.display_name)).all() == ["acme"]
    ground.assert_settled()


def test_claimed_organization_is_told_to_its_repositories(ground: Site) -> None:
    create_user(ground.sessions, "alice")
    ground.add("acme/demo.git")
    ground.sync()

    claim_organization(ground.sessions, ground.root, "acme", owner="alice")

    assert ground.own("acme/demo.git")["owner-kind"] == "organization"
