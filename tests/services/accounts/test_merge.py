"""Two accounts made one: nothing is lost, and nobody gets in by the old one's secrets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, func, select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, apply_task, make_issue, make_pull_request, run_at_once
from tests.support.owner_site import OwnerSite
from wit_admin.db.base import Base
from wit_admin.db.models.accounts import OAuthAccount, OwnerType, SshKey, User
from wit_admin.db.models.events import Activity
from wit_admin.db.models.issues import Issue
from wit_admin.db.models.organizations import OrgRole, Permission, TeamMember
from wit_admin.db.models.pull_requests import PullRequest
from wit_admin.db.models.repositories import Repository, Star, Visibility
from wit_admin.db.queries import (
    activities,
    merging,
    repositories,
    serving,
    stars,
    users,
)
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import ConflictError, NotFoundError, RefusedError, UnauthenticatedError
from wit_admin.git.repositories import own_config
from wit_admin.names import RepoName, TeamName
from wit_admin.services.access.actors import Client, Credentials, Scope
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.changes import show_user
from wit_admin.services.accounts.merge import AccountMerge
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.services.accounts.tokens import TokenOrder, create_token
from wit_admin.services.audit import trail
from wit_admin.services.lookups import get_user
from wit_admin.services.organizations import organizations, team_members, teams
from wit_admin.services.organizations.members import list_members, set_member
from wit_admin.services.owners.removal import OwnerRemoval
from wit_admin.services.owners.repositories import Fate
from wit_admin.services.repositories import moves, trash
from wit_admin.services.repositories.collaborators import add_collaborator, list_collaborators
from wit_admin.services.sync.repo_sync import RepoSync
from wit_admin.services.sync.survey import SyncOptions

pytestmark = pytest.mark.usefixtures("cheap_passwords")
Sessions = sessionmaker[Session]

ENDS_OR_STAYS = {
    # What lets somebody in ends.
    "sessions.user_id",
    "access_tokens.user_id",
    "ssh_keys.user_id",
    "oauth_accounts.user_id",
    "github_installations.user_id",
    # What is kept of a standing elsewhere, and of workspaces, is of use to nobody else.
    "github_repositories.user_id",
    "github_forks.user_id",
    "workspaces.user_id",
    "workspace_sessions.user_id",
}
JOINED = {
    "org_members.user_id",
    "team_members.user_id",
    "collaborators.user_id",
    "protected_ref_users.user_id",
    "stars.user_id",
    "watches.user_id",
}


@dataclass(frozen=True, slots=True)
class Site(OwnerSite):
    """Octo, whose account goes, alice, whose account stays, and carol, who owns ``acme``."""

    def merge(self, name: str = "octo", into: str = "alice") -> AccountMerge:
        return AccountMerge(self.sessions, self.root, name, into)

    def run(self, name: str = "octo", into: str = "alice") -> dict[str, int]:
        return apply_task(self.merge(name, into).task(self.run_dir)).done


@pytest.fixture
def site(sessions: Sessions, tmp_path: Path) -> Site:
    for name in ("octo", "alice", "carol"):
        create_user(sessions, name, email=f"{name}@example.org", password="correct horse")
    organizations.create_organization(sessions, "acme", owner="carol")
    return Site(sessions, tmp_path / "repos")


def test_repositories_go_over_and_old_urls_lead_to_them(site: Site) -> None:
    site.create("octo/one", "octo/two", "octo/gone", "alice/mine")
    moves.rename_repository(site.sessions, site.root, RepoName("octo", "two"), "three")
    trash.delete_repository(site.sessions, site.root, RepoName("octo", "gone"))

    done = site.run("Octo", "ALICE")

    assert done == {"block-user": 1, "transfer": 2, "merge-user": 1}
    assert site.names() == ["alice/mine", "alice/one", "alice/three"]
    assert site.leads_to("octo/one") == "alice/one"
    assert site.leads_to("octo/two") == site.leads_to("octo/three") == "alice/three"
    trash.restore_repository(site.sessions, site.root, RepoName("alice", "gone"))
    assert site.leads_to("alice/gone") == "alice/gone"


def test_sync_has_nothing_to_set_right_afterwards(site: Site) -> None:
    site.create("octo/one", "octo/gone", "alice/mine", "acme/shared")
    trash.delete_repository(site.sessions, site.root, RepoName("octo", "gone"))
    sync = RepoSync(site.sessions, site.root, SyncOptions(Visibility.PRIVATE, verify=True))
    apply_task(sync.task(site.run_dir))

    site.run()
    removal = OwnerRemoval(site.sessions, site.root, "acme", OwnerType.ORGANIZATION, Fate("alice"))
    apply_task(removal.task(site.run_dir))
    trash.restore_repository(site.sessions, site.root, RepoName("alice", "gone"))

    assert sync.build().actions == ()
    assert site.names() == ["alice/gone", "alice/mine", "alice/one", "alice/shared"]


def test_secrets_of_the_one_let_nobody_in_as_the_other(site: Site) -> None:
    logins = LoginSessions(site.sessions, lifetime=timedelta(days=1))
    secrets = [
        logins.log_in("octo", "correct horse", Client()).token,
        create_token(site.sessions, "octo", order=TokenOrder("ci", [Scope.REPO_READ])).token,
    ]
    with site.sessions.begin() as session:
        octo = get_user(session, "octo").id
        key = SshKey(user_id=octo, name="k", public_key="ssh-ed25519 A", fingerprint="SHA256:a")
        link = OAuthAccount(user_id=octo, provider="github", provider_account_id="1")
        session.add_all([key, link])

    site.run()

    for secret in secrets:
        with pytest.raises(UnauthenticatedError):
            logins.recognise(Credentials(secret, is_bearer=True))
    with pytest.raises(UnauthenticatedError):
        logins.log_in("octo", "correct horse", Client())
    logins.log_in("alice", "correct horse", Client())
    with site.sessions() as session:
        assert session.query(SshKey).count() == session.query(OAuthAccount).count() == 0
    create_user(site.sessions, "octo", email="octo@example.org")


def test_higher_of_two_roles_and_permissions_counts(site: Site) -> None:
    core = TeamName("acme", "core")
    organizations.create_organization(site.sessions, "solo", owner="octo")
    for name, role in (("octo", OrgRole.ADMIN), ("alice", OrgRole.MEMBER)):
        set_member(site.sessions, "acme", name, role)
    teams.create_team(site.sessions, core)
    team_members.add_team_member(site.sessions, core, "octo")
    site.create("carol/a", "carol/b", "carol/c", "alice/own", "octo/his")
    for repo, user, permission in (
        ("carol/a", "octo", Permission.WRITE),
        ("carol/b", "octo", Permission.READ),
        ("carol/b", "alice", Permission.ADMIN),
        ("carol/c", "octo", Permission.ADMIN),
        ("carol/c", "alice", Permission.READ),
        ("alice/own", "octo", Permission.WRITE),
        ("octo/his", "alice", Permission.WRITE),
    ):
        add_collaborator(site.sessions, RepoName.parse(repo), user, permission)

    site.run()

    roles = {
        org: {row.username: row.role for row in list_members(site.sessions, org)}
        for org in ("acme", "solo")
    }
    assert roles == {
        "acme": {"alice": OrgRole.ADMIN, "carol": OrgRole.OWNER},
        "solo": {"alice": OrgRole.OWNER},
    }
    assert teams.show_team(site.sessions, core).members == ("alice",)
    permissions = {
        name: [
            (row.username, row.permission)
            for row in list_collaborators(site.sessions, RepoName.parse(name))
        ]
        for name in ("carol/a", "carol/b", "carol/c", "alice/own", "alice/his")
    }
    assert permissions == {
        "carol/a": [("alice", Permission.WRITE)],
        "carol/b": [("alice", Permission.ADMIN)],
        "carol/c": [("alice", Permission.ADMIN)],
        "alice/own": [],
        "alice/his": [],
    }


def test_deeds_are_told_of_the_one_who_stays(site: Site) -> None:
    site.create("carol/demo")
    with site.sessions.begin() as session:
        octo, alice = get_user(session, "octo").id, get_user(session, "alice").id
        repo_id = repositories.find_repository_id(session, RepoName("carol", "demo"))
        assert repo_id is not None
        issue = make_issue(session, repo_id, octo)
        pull = make_pull_request(session, repo_id, octo)
        issue.assignee_id = octo
        activities.insert_activities(
            session, [{"actor_id": octo, "repo_id": repo_id, "type": "push", "created_at": NOW}]
        )
        for user_id in (octo, alice):
            stars.add_mark(session, Star, repo_id, user_id, now=NOW)
        issue_id, pull_id, changed_at = issue.id, pull.id, issue.updated_at

    site.run()

    with site.sessions() as session:
        issue = session.get_one(Issue, issue_id)
        assert (issue.author_id, issue.assignee_id, issue.updated_at) == (alice, alice, changed_at)
        assert session.get_one(PullRequest, pull_id).author_id == alice
        assert session.scalars(select(Activity.actor_id)).all() == [alice]
        assert session.scalars(select(Star.user_id)).all() == [alice]
        assert session.get_one(Repository, repo_id).stars_count == 1


def references_to_users() -> Iterator[Column[object]]:
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column is User.__table__.c.id:
                yield key.parent


def test_every_column_that_names_a_user_is_thought_of() -> None:
    deeds = {f"{column.class_.__tablename__}.{column.key}" for column in merging.ACTOR_COLUMNS}

    found = {f"{column.table.name}.{column.name}" for column in references_to_users()}

    assert found == deeds | JOINED | ENDS_OR_STAYS


def test_clashes_are_listed_before_the_door_is_shut(site: Site) -> None:
    site.create("octo/demo", "octo/tools", "alice/Demo", "alice/TOOLS")

    with pytest.raises(ConflictError, match="alice has repositories of the same names: demo, tool"):
        site.run()
    with pytest.raises(ConflictError, match="already"):
        site.run("octo", "Octo")
    with pytest.raises(NotFoundError, match="no user nobody"):
        site.run("octo", "nobody")

    assert show_user(site.sessions, "octo").blocked_at is None


def test_placeholder_is_merged_into_the_account_of_its_owner(site: Site) -> None:
    with site.sessions.begin() as session:
        session.add(User(name="ghost", is_placeholder=True))
    site.create("ghost/found")

    site.run("ghost", "alice")

    assert site.leads_to("ghost/found") == "alice/found"


def test_push_that_creates_meanwhile_keeps_the_account_until_the_next_run(site: Site) -> None:
    site.create("octo/one")
    merge = site.merge()
    plan = merge.build()
    site.create("octo/late")

    applied = merge.task(site.run_dir).apply(plan)

    assert [failure.target for failure in applied.failures] == ["octo"]
    assert show_user(site.sessions, "octo").repositories == 1
    assert site.run() == {"block-user": 1, "transfer": 1, "merge-user": 1}
    assert site.names() == ["alice/late", "alice/one"]


@pytest.mark.parametrize("done", range(4))
def test_run_that_was_cut_short_is_taken_up_by_the_next(site: Site, done: int) -> None:
    site.create("octo/one", "octo/two")
    set_member(site.sessions, "acme", "octo", OrgRole.MEMBER)
    merge = site.merge()
    plan = merge.build()
    for action in plan.actions[:done]:
        merge.perform(action)

    if done < len(plan.actions):
        site.run()
    stale = merge.task(site.run_dir).apply(plan)

    assert stale.failures == ()
    assert site.names() == ["alice/one", "alice/two"]
    assert show_user(site.sessions, "alice").organizations == ("acme",)
    events = trail.list_events(site.sessions, AuditFilter(action="user.merge"), limit=9)
    assert [event.target_name for event in events] == ["octo"]


def test_two_at_once_in_both_directions_end_as_one(site: Site) -> None:
    site.create("octo/one", "alice/two")
    for _ in range(2):
        raised = run_at_once([site.run, lambda: site.run("alice", "octo")])

        names = sorted(type(error).__name__ for error in raised)
        assert names in (["NoneType", "NotFoundError"], ["NotFoundError", "NotFoundError"])

    with site.sessions() as session:
        left = [row.username for row in users.list_users(session)]
    assert sorted(left) in (["alice", "carol"], ["carol", "octo"])
    survivor = next(name for name in left if name != "carol")
    assert site.names() == [f"{survivor}/one", f"{survivor}/two"]


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_in_any_sequence_of_merges(site: Site, seed: int) -> None:
    chance = random.Random(seed)
    people = ["octo", "alice", *(f"u{number}" for number in range(4))]
    for name in people[2:]:
        create_user(site.sessions, name)
    made = [f"{chance.choice(people)}/r{number}" for number in range(12)]
    site.create(*made)
    for name in chance.sample(made, 4):
        trash.delete_repository(site.sessions, site.root, RepoName.parse(name))
    for name in people:
        set_member(site.sessions, "acme", name, chance.choice([*OrgRole]))

    for _ in range(8):
        from_, into = chance.sample(people, 2)
        try:
            site.run(from_, into)
        except RefusedError:
            continue

    with site.sessions() as session:
        live = {user.id: user.username for user in users.list_users(session)}
        rows = session.query(Repository).all()
        assert len(rows) == len(made)
        assert {row.owner_id for row in rows} <= set(live)
        for row in rows:
            if row.deleted_at is None:
                own = own_config.read_own(site.root / row.disk_path)
                assert own["owner"] == live[row.owner_id]
        members = list_members(site.sessions, "acme")
        assert {row.username for row in members} == set(live.values())
        assert session.scalars(select(func.count()).select_from(TeamMember)).one() == 0
    for name in made:
        with site.sessions() as session:
            served = serving.find_served(session, RepoName.parse(name), None)
        is_live = any(found.endswith(name.partition("/")[2]) for found in site.names())
        assert (served is not None) == is_live
