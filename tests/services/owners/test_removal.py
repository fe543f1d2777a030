"""Accounts and organizations that go, and what becomes of their repositories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import apply_task, run_at_once
from tests.support.owner_site import OwnerSite
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.organizations import OrgRole, Permission, TeamRepository
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import ConflictError, InvalidInputError, NotFoundError, UnauthenticatedError
from wit_admin.names import RepoName, TeamName
from wit_admin.services.access.actors import Client, Credentials, Scope
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.changes import show_user
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.services.accounts.tokens import TokenOrder, create_token
from wit_admin.services.audit import trail
from wit_admin.services.organizations import organizations, team_repositories, teams
from wit_admin.services.organizations.members import set_member
from wit_admin.services.owners.removal import OwnerRemoval
from wit_admin.services.owners.renaming import OwnerRenaming
from wit_admin.services.owners.repositories import Fate
from wit_admin.services.repositories import moves, trash
from wit_admin.services.repositories.actions import Transfer

pytestmark = pytest.mark.usefixtures("cheap_passwords")
Sessions = sessionmaker[Session]
UNSAID = Fate()


@dataclass(frozen=True, slots=True)
class Site(OwnerSite):
    """Alice and bob; ``acme`` is an organization of carol's."""

    def removal(self, name: str, fate: Fate = UNSAID) -> OwnerRemoval:
        kind = OwnerType.ORGANIZATION if name == "acme" else OwnerType.USER
        return OwnerRemoval(self.sessions, self.root, name, kind, fate)

    def remove(self, name: str, fate: Fate = UNSAID) -> dict[str, int]:
        return apply_task(self.removal(name, fate).task(self.run_dir)).done


@pytest.fixture
def site(sessions: Sessions, tmp_path: Path) -> Site:
    for name in ("alice", "bob", "carol"):
        create_user(sessions, name, email=f"{name}@example.org", password="correct horse")
    organizations.create_organization(sessions, "acme", owner="carol")
    return Site(sessions, tmp_path / "repos")


def test_closed_account_frees_name_and_address_and_lets_nobody_in(site: Site) -> None:
    logins = LoginSessions(site.sessions, lifetime=timedelta(days=1))
    secrets = [
        logins.log_in("alice", "correct horse", Client()).token,
        create_token(site.sessions, "alice", order=TokenOrder("ci", [Scope.REPO_READ])).token,
    ]

    assert site.remove("Alice") == {"delete-user": 1}

    for secret in secrets:
        with pytest.raises(UnauthenticatedError):
            logins.recognise(Credentials(secret, is_bearer=True))
    create_user(site.sessions, "alice", email="alice@example.org")
    assert not show_user(site.sessions, "alice").has_password
    assert show_user(site.sessions, "alice").tokens == 0


@pytest.mark.parametrize("name", ["alice", "acme"])
def test_owner_of_repositories_stays_unless_their_fate_is_said(site: Site, name: str) -> None:
    site.create(f"{name}/one", f"{name}/two")

    with pytest.raises(ConflictError, match=f"{name} owns repositories: one, two."):
        site.removal(name).build()

    assert site.names() == [f"{name}/one", f"{name}/two"]


@pytest.mark.parametrize("name", ["alice", "acme"])
def test_repositories_are_handed_over_and_old_urls_lead_to_them(site: Site, name: str) -> None:
    site.create(f"{name}/one", f"{name}/gone")
    trash.delete_repository(site.sessions, site.root, RepoName(name, "gone"))

    done = site.remove(name, Fate("Bob"))

    assert done["transfer"] == 1
    assert site.names() == ["bob/one"]
    assert site.leads_to(f"{name}/one") == site.leads_to("bob/one") == "bob/one"
    trash.restore_repository(site.sessions, site.root, RepoName("bob", "gone"))
    assert site.leads_to("bob/gone") == "bob/gone"


def test_trashed_repositories_of_a_gone_owner_come_back_to_another(site: Site) -> None:
    site.create("alice/one")

    assert site.remove("alice", Fate(to_trash=True)) == {"delete": 1, "delete-user": 1}

    with pytest.raises(NotFoundError, match="alice, which owned alice/one, was deleted"):
        trash.restore_repository(site.sessions, site.root, RepoName("alice", "one"))
    trash.restore_repository(site.sessions, site.root, RepoName("alice", "one"), to_owner="bob")
    assert site.leads_to("bob/one") == "bob/one"


def test_trashed_repositories_of_a_gone_owner_fall_to_no_namesake(site: Site) -> None:
    site.create("acme/one")
    site.remove("acme", Fate(to_trash=True))
    organizations.create_organization(site.sessions, "acme", owner="bob")

    with pytest.raises(NotFoundError, match="was deleted"):
        trash.restore_repository(site.sessions, site.root, RepoName("acme", "one"))

    assert site.names() == []
    trash.restore_repository(site.sessions, site.root, RepoName("acme", "one"), to_owner="acme")
    assert site.names() == ["acme/one"]


def test_own_trash_comes_before_that_of_a_gone_namesake(site: Site) -> None:
    organizations.create_organization(site.sessions, "labs", owner="bob")
    site.create("labs/one", "acme/one")
    own = site.own("labs/one")
    trash.delete_repository(site.sessions, site.root, RepoName("labs", "one"))
    site.remove("acme", Fate(to_trash=True))
    labs = OwnerRenaming(site.sessions, site.root, OwnerType.ORGANIZATION, "labs", "acme")
    apply_task(labs.task(site.run_dir))

    restored = trash.restore_repository(site.sessions, site.root, RepoName("acme", "one"))

    assert own is not None
    assert str(restored.id) == own["id"]


def test_team_of_a_gone_organization_permits_nothing(site: Site) -> None:
    core = TeamName("acme", "core")
    site.create("acme/kept", "acme/gone")
    teams.create_team(site.sessions, core)
    for name in ("kept", "gone"):
        team_repositories.grant_team(site.sessions, core, name, Permission.WRITE)
    trash.delete_repository(site.sessions, site.root, RepoName("acme", "gone"))

    site.remove("acme", Fate("bob"))

    with site.sessions() as session:
        assert session.query(TeamRepository).count() == 0
    with pytest.raises(NotFoundError):
        organizations.show_organization(site.sessions, "acme")


def test_clashes_are_listed_before_anything_is_done(site: Site) -> None:
    site.create("alice/demo", "alice/mine", "bob/DEMO")

    with pytest.raises(ConflictError, match="of the same names: demo") as no:
        site.removal("alice", Fate("bob")).build()

    assert no.value.hint == "Rename them first: wit-admin repo rename alice/demo NAME"
    with pytest.raises(ConflictError, match="already"):
        site.removal("alice", Fate("ALICE")).build()
    with pytest.raises(NotFoundError, match="nobody"):
        site.removal("alice", Fate("nobody")).build()
    with pytest.raises(InvalidInputError, match="not both"):
        Fate("bob", to_trash=True)


def test_only_owner_of_an_organization_stays(site: Site) -> None:
    with pytest.raises(ConflictError, match="carol is the only owner of acme;"):
        site.removal("carol").build()

    set_member(site.sessions, "acme", "bob", OrgRole.OWNER)
    site.remove("carol")

    assert organizations.show_organization(site.sessions, "acme").owners == ("bob",)


def test_stale_plan_closes_nobody_else(site: Site) -> None:
    removal = site.removal("alice")
    plan = removal.build()
    site.remove("alice")
    create_user(site.sessions, "alice")

    assert removal.task(site.run_dir).apply(plan).failures == ()

    assert show_user(site.sessions, "alice").username == "alice"


def test_owner_stays_when_a_repository_could_not_be_handed_over(site: Site) -> None:
    site.create("alice/one", "alice/two")
    removal = site.removal("alice", Fate("bob"))
    plan = removal.build()
    site.create("bob/two")

    applied = removal.task(site.run_dir).apply(plan)

    assert [failure.target for failure in applied.failures] == ["alice/two", "alice"]
    assert site.names() == ["alice/two", "bob/one", "bob/two"]
    moves.rename_repository(site.sessions, site.root, RepoName("alice", "two"), "three")
    assert site.remove("alice", Fate("bob")) == {"transfer": 1, "delete-user": 1}


def test_run_that_was_cut_short_is_taken_up_by_the_next(site: Site) -> None:
    site.create("alice/one", "alice/two", "alice/three")
    removal = site.removal("alice", Fate("bob"))
    for action in removal.build().actions[:2]:
        removal.perform(action)

    assert site.remove("alice", Fate("bob")) == {"transfer": 1, "delete-user": 1}

    assert site.names() == ["bob/one", "bob/three", "bob/two"]


def test_two_at_once_end_as_one(site: Site) -> None:
    site.create("alice/one", "alice/two")

    raised = run_at_once([lambda: site.remove("alice", Fate("bob"))] * 2)

    assert sorted(type(error).__name__ for error in raised) == ["NoneType", "NotFoundError"]
    assert site.names() == ["bob/one", "bob/two"]
    events = trail.list_events(site.sessions, AuditFilter(), limit=100)
    assert [row.action for row in events].count("user.delete") == 1


def test_dry_run_names_every_step(site: Site) -> None:
    site.create("alice/one")

    plan = site.removal("alice", Fate("bob")).build()

    assert plan.count() == {"transfer": 1, "delete-user": 1}
    assert isinstance(plan.actions[0], Transfer)
    assert plan.actions[0].sentence == "bob gets it from alice; its old URLs lead to it."
    assert site.names() == ["alice/one"]
