"""Repositories made, renamed, handed over, deleted and brought back: rows and folders agree."""

from __future__ import annotations

import uuid

import pytest

from tests.support.builders import make_issue, make_user, run_at_once
from tests.support.sites import DEMO, ORDER, Site
from wit_admin.db.models.issues import Issue
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.git.repositories import own_config, storage
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.tokens import TokenOrder, create_token, list_tokens
from wit_admin.services.repositories import moves, trash
from wit_admin.services.repositories.creation import create_repository


def test_new_repository_says_what_it_is(site: Site) -> None:
    repo_id = site.create()

    assert own_config.read_own(site.folder(DEMO)) == {
        "id": str(repo_id),
        "owner": "alice",
        "name": "demo",
        "visibility": "public",
        "description": "A try",
    }
    site.assert_whole()


def test_many_who_create_one_name_make_one(site: Site) -> None:
    failures = run_at_once([lambda: create_repository(site.sessions, site.root, DEMO, ORDER)] * 6)

    assert sorted(type(failure).__name__ for failure in failures) == ["ConflictError"] * 5 + [
        "NoneType"
    ]


def test_create_goes_on_where_a_killed_one_stopped(site: Site) -> None:
    storage.create_bare(site.root, DEMO.disk_path, own={"id": str(uuid.uuid4())})

    site.create()

    site.assert_whole()


def test_create_takes_no_folder_that_the_database_does_not_know(site: Site) -> None:
    storage.create_bare(site.root, DEMO.disk_path)

    with pytest.raises(ConflictError, match="does not know"):
        site.create()


def test_old_names_lead_to_a_renamed_and_transferred_repository(site: Site) -> None:
    repo_id = site.create()

    moves.rename_repository(site.sessions, site.root, DEMO, "tools")
    site.transfer(RepoName("alice", "tools"), "bob")

    for name in (DEMO, RepoName("alice", "tools"), RepoName("bob", "tools")):
        assert site.leads_to(name) == repo_id
    site.assert_whole()


def test_new_repository_takes_an_old_name_for_good(site: Site) -> None:
    old_id = site.create()
    moves.rename_repository(site.sessions, site.root, DEMO, "tools")

    new_id = site.create()
    trash.delete_repository(site.sessions, site.root, DEMO)

    assert new_id != old_id
    assert site.leads_to(DEMO) is None
    assert site.leads_to(RepoName("alice", "tools")) == old_id
    site.assert_whole()


def test_deleted_repository_comes_back_whole(site: Site) -> None:
    repo_id = site.create()
    moves.rename_repository(site.sessions, site.root, DEMO, "tools")
    tools = RepoName("alice", "tools")
    with site.sessions.begin() as session:
        alice = make_user(session, "carol")
        make_issue(session, repo_id, alice)
    trash.delete_repository(site.sessions, site.root, tools)
    assert site.leads_to(tools) is site.leads_to(DEMO) is None

    trash.restore_repository(site.sessions, site.root, tools)

    assert site.leads_to(tools) == site.leads_to(DEMO) == repo_id
    with site.sessions() as session:
        assert session.query(Issue).filter_by(repo_id=repo_id).count() == 1
    site.assert_whole()


def test_repository_that_is_not_whole_goes_to_the_trash_as_it_is(site: Site) -> None:
    site.create()
    (site.folder(DEMO) / "HEAD").unlink()

    trash.delete_repository(site.sessions, site.root, DEMO)

    assert not (site.root / "alice/demo.git").exists()
    site.assert_whole()


def test_deleted_repository_whose_name_is_taken_comes_back_by_another(site: Site) -> None:
    repo_id = site.create()
    trash.delete_repository(site.sessions, site.root, DEMO)
    site.create()

    with pytest.raises(ConflictError, match="already"):
        trash.restore_repository(site.sessions, site.root, DEMO)
    trash.restore_repository(site.sessions, site.root, DEMO, as_name="demo-2")

    assert site.leads_to(RepoName("alice", "demo-2")) == repo_id
    site.assert_whole()


def test_delete_and_restore_go_on_where_killed_ones_stopped(site: Site) -> None:
    repo_id = site.create()
    trashed = site.root / trash.TRASH / str(repo_id)
    storage.move(site.folder(DEMO), trashed)

    trash.delete_repository(site.sessions, site.root, DEMO)
    storage.move(trashed, site.root / f"alice/demo~{repo_id.hex}.git")
    trash.restore_repository(site.sessions, site.root, DEMO, as_name="other")

    assert site.leads_to(RepoName("alice", "other")) == repo_id
    site.assert_whole()


def test_emptied_trash_leaves_nothing(site: Site) -> None:
    site.create()
    tools = RepoName("alice", "tools")
    site.create(tools)
    for name, limits in {"all": [], "demo": [DEMO], "both": [DEMO, tools]}.items():
        create_token(site.sessions, "alice", order=TokenOrder(name, [Scope.REPO_READ], limits))
    trash.delete_repository(site.sessions, site.root, DEMO)

    def limits_of_tokens() -> dict[str, tuple[str, ...]]:
        return {token.name: token.repositories for token in list_tokens(site.sessions, "alice")}

    both = ("alice/demo", "alice/tools")
    assert limits_of_tokens() == {"all": (), "demo": ("alice/demo",), "both": both}

    task = site.plans().emptying()
    task.apply(task.build())

    # Without its limit the token would be for all repositories.
    assert limits_of_tokens() == {"all": (), "both": ("alice/tools",)}
    assert list((site.root / trash.TRASH).iterdir()) == []
    assert trash.list_trash(site.sessions) == []
    with pytest.raises(NotFoundError):
        trash.restore_repository(site.sessions, site.root, DEMO)
