"""Owners get other names: what they own goes with them, and old URLs lead there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import apply_task, run_at_once
from tests.support.owner_site import OwnerSite
from tests.support.sync_site import Site as SyncSite
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import BatchError, ConflictError, InvalidInputError, NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.audit.trail import list_events
from wit_admin.services.organizations.organizations import create_organization
from wit_admin.services.owners.renaming import OwnerRenaming
from wit_admin.services.repositories import trash

USER, ORGANIZATION = OwnerType.USER, OwnerType.ORGANIZATION


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> OwnerSite:
    """Octo with two repositories, one of them in the trash, and acme with one."""
    create_user(sessions, "octo")
    create_organization(sessions, "acme", owner="octo")
    site = OwnerSite(sessions, tmp_path / "repos")
    site.create("octo/demo", "octo/old", "acme/core")
    trash.delete_repository(sessions, site.root, RepoName("octo", "old"))
    return site


def rename(site: OwnerSite, kind: OwnerType, name: str, new_name: str) -> bool:
    """Give an owner another name, and tell whether there was anything to do."""
    renaming = OwnerRenaming(site.sessions, site.root, kind, name, new_name)
    return bool(apply_task(renaming.task(site.run_dir)).done)


def test_old_urls_lead_to_what_a_renamed_account_owns(site: OwnerSite) -> None:
    assert rename(site, USER, "Octo", "octocat")

    assert site.names() == ["acme/core", "octocat/demo"]
    assert site.leads_to("octo/demo") == site.leads_to("octocat/demo") == "octocat/demo"
    [event] = list_events(site.sessions, AuditFilter(action="user.rename"), limit=9)
    assert (event.target_name, event.after) == ("octo", {"name": "octocat"})
    trash.restore_repository(site.sessions, site.root, RepoName("octocat", "old"))
    assert site.leads_to("octocat/old") == "octocat/old"
    SyncSite(site.sessions, site.root).sync()
    SyncSite(site.sessions, site.root).assert_settled()


def test_database_that_is_lost_comes_back_with_the_new_name(site: OwnerSite) -> None:
    rename(site, ORGANIZATION, "acme", "acme-labs")
    ground = SyncSite(site.sessions, site.root)
    ground.sync()
    ground.forget_everything()

    ground.sync()

    assert ground.rows()["acme-labs/core"].owner_type is ORGANIZATION


def test_name_that_was_given_up_is_free_with_all_below_it(site: OwnerSite) -> None:
    rename(site, USER, "octo", "octocat")
    create_user(site.sessions, "octo")

    site.create("octo/demo")

    assert site.leads_to("octo/demo") == "octo/demo"
    assert site.leads_to("octocat/demo") == "octocat/demo"
    with pytest.raises(ConflictError, match="taken"):
        rename(site, USER, "octo", "octocat")


def test_there_and_back_leaves_no_redirect_in_the_way(site: OwnerSite) -> None:
    for old, new in (("octo", "octocat"), ("octocat", "octo"), ("octo", "OCTO")):
        assert rename(site, USER, old, new)

    assert site.leads_to("octo/demo") == site.leads_to("octocat/demo") == "OCTO/demo"


@pytest.mark.parametrize(
    ("kind", "name"),
    [(USER, "octo"), (ORGANIZATION, "acme"), (USER, "poor"), (ORGANIZATION, "bare")],
)
def test_rename_that_was_done_is_done_again_without_effect(
    site: OwnerSite, kind: OwnerType, name: str
) -> None:
    create_user(site.sessions, "poor")
    create_organization(site.sessions, "bare", owner="poor")
    rename(site, kind, name, "other")

    assert not rename(site, kind, name.upper(), "other")
    with pytest.raises(NotFoundError, match="nobody"):
        rename(site, kind, "nobody", "other")


@pytest.mark.parametrize(
    ("kind", "name", "new_name", "error"),
    [
        (USER, "octo", "ACME", ConflictError),
        (USER, "octo", "admin", InvalidInputError),
        (USER, "octo", "a/b", InvalidInputError),
        (USER, "acme", "other", NotFoundError),
        (ORGANIZATION, "octo", "other", NotFoundError),
    ],
)
def test_rename_that_cannot_be_changes_nothing(
    site: OwnerSite, kind: OwnerType, name: str, new_name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        rename(site, kind, name, new_name)

    assert site.leads_to("octo/demo") == "octo/demo"
    assert site.leads_to("acme/core") == "acme/core"


def test_two_at_once_end_as_one(site: OwnerSite) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: rename(site, USER, "octo", "octocat"), range(2)))

    assert sorted(results) == [False, True]
    assert site.leads_to("octo/demo") == "octocat/demo"


def test_of_two_names_given_at_once_one_stays_everywhere(site: OwnerSite) -> None:
    site.create(*(f"octo/r{number}" for number in range(8)))

    raised = run_at_once(
        [partial(rename, site, USER, "octo", new_name) for new_name in ("octocat", "octopus")]
    )

    assert sorted(map(type, raised), key=str) == [type(None), NotFoundError]
    for name in site.names():
        assert site.leads_to(name) == name


def test_config_that_git_cannot_read_is_named_and_once_mended_the_rename_is_run_again(
    site: OwnerSite,
) -> None:
    site.create("octo/zoo")
    config = site.root / "octo/zoo.git/config"
    good = config.read_bytes()
    config.write_bytes(b"[core\n")

    with pytest.raises(BatchError, match=r"octo/zoo\.git"):
        rename(site, USER, "octo", "octocat")

    assert site.names() == ["acme/core", "octo/demo", "octo/zoo"]
    config.write_bytes(good)
    assert rename(site, USER, "octo", "octocat")
    assert site.leads_to("octo/zoo") == "octocat/zoo"
