"""Rows are taken away only when it is sure that the disk is right."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from tests.support.sites import ORDER
from tests.support.sync_site import Site
from tests.support.tools import make_tools
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.errors import ConflictError, InvalidInputError
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.repositories.disk import Disk
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor
from wit_admin.services.access.targets import Creatable
from wit_admin.services.audit.trail import SYSTEM
from wit_admin.services.lookups import get_owner
from wit_admin.services.pushes.creation import PushCreation
from wit_admin.services.repositories import trash
from wit_admin.services.repositories.creation import create_repository


def test_missing_folder_is_told_and_pruned_only_when_asked(ground: Site) -> None:
    for name in "abcd":
        ground.add(f"alice/{name}.git")
    ground.sync()
    shutil.rmtree(ground.root / "alice/a.git")

    assert ground.sync().done == {}
    assert ground.remarks() == {"alice/a.git": "missing"}
    with pytest.raises(ConflictError, match="1 of 4"):
        ground.plan(prune=True)

    with pytest.raises(ConflictError, match="1 of 4"):
        ground.plan(prune=True, max_prune_percent=math.nan)
    assert ground.plan(prune=True, max_prune_percent=25).is_destructive
    assert ground.sync(prune=True, max_prune_percent=25).done == {"prune": 1}
    assert set(ground.rows()) == {"alice/b", "alice/c", "alice/d"}
    ground.assert_settled()


def test_pruned_repository_whose_folder_is_back_is_shown_again(
    ground: Site, tmp_path: Path
) -> None:
    folder = ground.add("alice/demo.git")
    ground.add("alice/other.git")
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id
    folder.rename(tmp_path / "away")
    ground.sync(prune=True, max_prune_percent=50)
    (tmp_path / "away").rename(folder)

    assert ground.sync().done == {"revive": 1}

    assert ground.rows()["alice/demo"].id == repo_id
    ground.assert_settled()


def test_deletion_that_was_cut_short_is_finished(ground: Site) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    repo_id = ground.rows()["alice/demo"].id
    (ground.root / trash.TRASH).mkdir()
    (ground.root / "alice/demo.git").rename(ground.root / trash.TRASH / str(repo_id))

    assert ground.sync().done == {"trash": 1}

    assert ground.rows() == {}
    trash.restore_repository(ground.sessions, ground.root, RepoName("alice", "demo"))
    assert ground.rows()["alice/demo"].id == repo_id
    ground.assert_settled()


@pytest.mark.parametrize("state", ["missing", "empty", "strange"])
def test_root_that_is_not_mounted_keeps_its_rows_and_gets_no_new(
    ground: Site, tmp_path: Path, state: str
) -> None:
    ground.add("alice/demo.git")
    ground.add("alice/old.git")
    ground.sync()
    demo, old = RepoName("alice", "demo"), RepoName("alice", "old")
    trash.delete_repository(ground.sessions, ground.root, old)
    [trashed] = trash.list_trash(ground.sessions)
    ground.root.rename(tmp_path / "away")
    if state != "missing":
        ground.root.mkdir()
    if state == "strange":
        ground.add("bob/other.git")

    with pytest.raises(ConflictError):
        ground.sync(prune=True, max_prune_percent=100)
    with pytest.raises(ConflictError, match="not the volume"):
        trash.delete_repository(ground.sessions, ground.root, demo)
    with pytest.raises(ConflictError, match="not the volume"):
        trash.restore_repository(ground.sessions, ground.root, old)
    with pytest.raises(ConflictError, match="not the volume"):
        trash.purge(ground.sessions, ground.root, trashed)
    with pytest.raises(ConflictError, match="not the volume"):
        create_repository(ground.sessions, ground.root, RepoName("alice", "new"), ORDER)
    with pytest.raises(ConflictError, match="not the volume"):
        push_new(ground, RepoName("alice", "new"))

    assert set(ground.rows()) == {"alice/demo"}
    assert trash.list_trash(ground.sessions) == [trashed]
    assert (state == "missing") is not ground.root.exists()


def test_other_volume_is_refused_until_it_is_accepted(ground: Site, tmp_path: Path) -> None:
    ground.add("alice/demo.git")
    ground.sync()
    shutil.copytree(ground.root / "alice", tmp_path / "new/alice")
    shutil.rmtree(ground.root)
    (tmp_path / "new").rename(ground.root)

    with pytest.raises(ConflictError, match="not the volume"):
        ground.sync()
    ground.sync(accept_root=True)

    assert ground.remarks() == {}


def test_broken_repository_is_a_failure_and_never_pruned(ground: Site) -> None:
    folder = ground.add("alice/demo.git")
    ground.add("alice/other.git")
    ground.sync()
    shutil.rmtree(folder / "refs")

    applied = ground.sync(prune=True, max_prune_percent=100)

    assert {(remark.kind, remark.is_failure) for remark in applied.remarks} == {
        ("broken", False),
        ("missing", True),
    }
    assert "alice/demo" in ground.rows()


def test_pruning_looks_at_all_folders(ground: Site) -> None:
    """What is gone from one owner's folder may have been moved to another's."""
    with pytest.raises(InvalidInputError, match="all must be looked at"):
        ground.plan(prune=True, owner="alice")


def test_folder_that_is_back_before_the_plan_is_carried_out_is_not_pruned(
    ground: Site, tmp_path: Path
) -> None:
    folder = ground.add("alice/demo.git")
    ground.add("alice/other.git")
    ground.sync()
    folder.rename(tmp_path / "away")
    plan = ground.plan(prune=True, max_prune_percent=50)
    (tmp_path / "away").rename(folder)

    ground.apply(plan)

    assert set(ground.rows()) == {"alice/demo", "alice/other"}


def push_new(ground: Site, name: RepoName) -> None:
    """Create a repository as a first push does."""
    disk = Disk(ground.root, Inspector((ground.root,)), Ancestry(make_tools(ground.root.parent)))
    with ground.sessions() as session:
        owner = get_owner(session, name.owner)
    wanted = Creatable(name, Actor(owner.owner_id, owner.name), owner.owner_id, owner.kind)
    creation = PushCreation(ground.sessions, disk, Visibility.PRIVATE)
    creation.create(wanted, ObjectFormat.SHA1, by=SYSTEM)
