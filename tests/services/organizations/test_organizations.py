"""Organizations and teams as an operator changes them; each change is one audit event."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import apply_task, make_repository, make_user, run_at_once
from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import User
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.paging import Span
from wit_admin.db.queries import repositories, serving, trash, users
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import ConflictError, InvalidInputError, NotFoundError
from wit_admin.names import RepoName, TeamName
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.changes import claim_user
from wit_admin.services.audit import trail
from wit_admin.services.lookups import get_owner
from wit_admin.services.organizations import organizations, team_members, team_repositories, teams
from wit_admin.services.organizations.members import list_members, remove_member, set_member
from wit_admin.services.organizations.team_removal import TeamRemoval

Sessions = sessionmaker[Session]
CORE = TeamName("acme", "core")


@pytest.fixture
def acme(sessions: Sessions) -> Sessions:
    """Alice owns acme, which owns ``demo``; bob and carol do not belong to it."""
    with sessions.begin() as session:
        for name in ("alice", "bob", "carol"):
            make_user(session, name)
    made = organizations.create_organization(sessions, "acme", owner="alice")
    with sessions.begin() as session:
        make_repository(session, made.id)
    return sessions


def permission_of(sessions: Sessions, username: str, repository: str = "acme/demo") -> str | None:
    """Return what the git server would read of somebody's standing."""
    with sessions() as session:
        user_id = users.find_user_id(session, username)
        served = serving.find_served(session, RepoName.parse(repository), user_id)
    assert served is not None
    return served.permission


def actions(sessions: Sessions) -> list[str]:
    return [row.action for row in trail.list_events(sessions, AuditFilter(), limit=100)][::-1]


def test_organization_is_made_once(acme: Sessions) -> None:
    again = organizations.create_organization(acme, "ACME", owner="bob", may_exist=True)

    assert not again.is_new
    with pytest.raises(ConflictError, match="taken"):
        organizations.create_organization(acme, "Acme", owner="bob")
    with pytest.raises(ConflictError, match="taken"):
        organizations.create_organization(acme, "bob", owner="bob", may_exist=True)
    assert organizations.show_organization(acme, "acme").owners == ("alice",)


def test_of_many_who_make_one_organization_all_get_the_same(sessions: Sessions) -> None:
    create_user(sessions, "alice")

    raised = run_at_once(
        [lambda: organizations.create_organization(sessions, "acme", owner="alice", may_exist=True)]
        * 4
    )

    assert raised == [None] * 4
    assert [row.name for row in organizations.list_organizations(sessions)] == ["acme"]
    assert actions(sessions).count("organization.create") == 1


def test_organization_shows_what_was_edited(acme: Sessions) -> None:
    organizations.edit_organization(
        acme, "Acme", display_name="Acme Inc.", website="https://acme.example"
    )
    details = organizations.edit_organization(acme, "acme", website=None)

    assert (details.display_name, details.website) == ("Acme Inc.", None)
    assert (details.members, details.teams, details.repositories) == (1, 0, 1)


@pytest.mark.parametrize(
    "edit",
    [
        {"website": "javascript:alert(1)"},
        {"website": "https://a b"},
        {"display_name": "Acme\x1b[2J"},
        {"display_name": "\udcff"},
        {"display_name": "a" * 256},
        {"description": "\0"},
        {"avatar_url": "/etc/passwd"},
    ],
)
def test_odd_detail_is_refused(acme: Sessions, edit: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        organizations.edit_organization(acme, "acme", **edit)  # type: ignore[arg-type]


def test_role_follows_what_was_said_last(acme: Sessions) -> None:
    first = set_member(acme, "acme", "bob", OrgRole.MEMBER)
    as_member = permission_of(acme, "bob")
    again = set_member(acme, "acme", "BOB", OrgRole.MEMBER)
    set_member(acme, "acme", "bob", OrgRole.ADMIN)
    as_admin = permission_of(acme, "bob")
    remove_member(acme, "acme", "bob")

    assert (first.is_changed, again.is_changed) == (True, False)
    assert (as_member, as_admin) == (Permission.READ, Permission.ADMIN)
    assert permission_of(acme, "bob") is None
    with pytest.raises(NotFoundError, match="not a member"):
        remove_member(acme, "acme", "bob")
    assert actions(acme)[-3:] == ["member.set", "member.set", "member.remove"]


def test_last_owner_stays(acme: Sessions) -> None:
    with pytest.raises(ConflictError, match="without an owner"):
        remove_member(acme, "acme", "alice")
    with pytest.raises(ConflictError, match="without an owner"):
        set_member(acme, "acme", "alice", OrgRole.MEMBER)

    set_member(acme, "acme", "bob", OrgRole.OWNER)
    remove_member(acme, "acme", "alice")

    owners = list_members(acme, "acme", role=OrgRole.OWNER)
    assert [row.username for row in owners] == ["bob"]


def test_team_permits_its_members_what_it_was_granted(acme: Sessions) -> None:
    set_member(acme, "acme", "bob", OrgRole.MEMBER)
    teams.create_team(acme, CORE)

    added = [team_members.add_team_member(acme, CORE, "bob") for _ in range(2)]
    team_repositories.grant_team(acme, CORE, "demo", Permission.WRITE)
    as_writer = permission_of(acme, "bob")
    details = teams.show_team(acme, CORE)
    team_repositories.revoke_team(acme, CORE, "demo")

    assert added == [True, False]
    assert as_writer is Permission.WRITE
    assert (details.members, details.repositories) == (("bob",), ("demo write",))
    assert permission_of(acme, "bob") is Permission.READ
    with pytest.raises(NotFoundError, match="no permission"):
        team_repositories.revoke_team(acme, CORE, "demo")


def test_grant_ends_with_the_team_the_membership_and_the_ownership(
    acme: Sessions, tmp_path: Path
) -> None:
    def grant() -> None:
        teams.create_team(acme, CORE, may_exist=True)
        set_member(acme, "acme", "bob", OrgRole.MEMBER)
        team_members.add_team_member(acme, CORE, "bob")
        team_repositories.grant_team(acme, CORE, "demo", Permission.ADMIN)
        assert permission_of(acme, "bob") is Permission.ADMIN

    grant()
    removal = TeamRemoval(acme, CORE)
    planned = removal.build()
    apply_task(removal.task(tmp_path))
    removal.perform(planned.actions[0])
    [told] = trail.list_events(acme, AuditFilter(action="team.delete"), limit=9)
    assert told.before == {"members": ["bob"], "repositories": ["demo admin"]}
    assert permission_of(acme, "bob") is Permission.READ
    grant()
    team_members.remove_team_member(acme, CORE, "bob")
    assert permission_of(acme, "bob") is Permission.READ
    grant()
    remove_member(acme, "acme", "bob")
    assert permission_of(acme, "bob") is None
    grant()
    hand_over(acme, "acme/demo", "carol")
    assert permission_of(acme, "bob", "carol/demo") is None


def hand_over(sessions: Sessions, repository: str, owner: str) -> None:
    with sessions.begin() as session:
        repo_id = repositories.find_repository_id(session, RepoName.parse(repository))
        owner_id = get_owner(session, owner).owner_id
        assert repo_id is not None
        repositories.rename_repository(session, repo_id, "demo", owner_id=owner_id, now=utc_now())


def test_stranger_is_in_no_team_and_foreign_repository_is_not_granted(acme: Sessions) -> None:
    teams.create_team(acme, CORE)

    with pytest.raises(ConflictError, match="Only members"):
        team_members.add_team_member(acme, CORE, "bob")
    with pytest.raises(NotFoundError, match="acme/nothing"):
        team_repositories.grant_team(acme, CORE, "nothing", Permission.READ)
    with pytest.raises(NotFoundError, match="has no team cor") as caught:
        teams.show_team(acme, TeamName("acme", "cor"))
    assert caught.value.hint == "See 'wit-admin team list acme'."


def test_team_is_renamed_and_listed_in_parts(acme: Sessions) -> None:
    for name in ("core", "docs", "Ops"):
        teams.create_team(acme, TeamName("acme", name))

    teams.edit_team(acme, CORE, {"name": "Kernel"})

    assert [row.name for row in teams.list_teams(acme, "acme")] == ["docs", "Kernel", "Ops"]
    part = teams.list_teams(acme, "acme", part=Span("docs", 1))
    assert [row.name for row in part] == ["Kernel"]
    assert [row.name for row in teams.list_teams(acme, "acme", "OP")] == ["Ops"]
    with pytest.raises(ConflictError, match="already"):
        teams.edit_team(acme, TeamName("acme", "kernel"), {"name": "DOCS"})
    with pytest.raises(InvalidInputError):
        teams.edit_team(acme, TeamName("acme", "kernel"), {"name": "a/b"})


def test_claimed_organization_owns_what_the_placeholder_did(acme: Sessions, tmp_path: Path) -> None:
    with acme.begin() as session:
        ghost = User(name="Ghost", is_placeholder=True)
        session.add(ghost)
        session.flush()
        make_repository(session, ghost.id, "found")
        gone = make_repository(session, ghost.id, "gone")
        repositories.delete_repository(session, gone, trash_path=".trash/1", now=utc_now())

    details = organizations.claim_organization(acme, tmp_path, "ghost", owner="bob")

    assert (details.name, details.owners, details.repositories) == ("Ghost", ("bob",), 1)
    assert permission_of(acme, "bob", "ghost/found") is Permission.ADMIN
    with acme() as session:
        (trashed,) = trash.list_trash(session)
    assert (trashed.owner, trashed.name) == ("Ghost", "gone")
    for name, owner in (("ghost", "bob"), ("carol", "bob"), ("nobody", "bob")):
        with pytest.raises((ConflictError, NotFoundError)):
            organizations.claim_organization(acme, tmp_path, name, owner=owner)


def test_of_many_who_claim_one_placeholder_one_wins(acme: Sessions, tmp_path: Path) -> None:
    with acme.begin() as session:
        session.add(User(name="ghost", is_placeholder=True))

    raised = run_at_once(
        [
            lambda: organizations.claim_organization(acme, tmp_path, "ghost", owner="bob"),
            lambda: claim_user(acme, "ghost"),
        ]
        * 2
    )

    assert [error for error in raised if error is None] == [None]
    assert {type(error) for error in raised if error} <= {ConflictError, NotFoundError}


def test_grant_that_meets_a_transfer_does_not_outlive_it(acme: Sessions) -> None:
    set_member(acme, "acme", "bob", OrgRole.MEMBER)
    teams.create_team(acme, CORE)
    team_members.add_team_member(acme, CORE, "bob")

    for _ in range(5):
        raised = run_at_once(
            [
                lambda: team_repositories.grant_team(acme, CORE, "demo", Permission.ADMIN),
                lambda: hand_over(acme, "acme/demo", "carol"),
            ]
        )

        assert {type(error) for error in raised} <= {type(None), NotFoundError}
        assert permission_of(acme, "bob", "carol/demo") is None
        hand_over(acme, "carol/demo", "acme")
