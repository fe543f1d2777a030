"""Users, organizations, teams, collaborators and keys."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import (
    LATER,
    NOW,
    make_demo,
    make_repository,
    make_user,
    run_at_once,
)
from wit_admin.db.models.accounts import AccessToken
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.models.repositories import Repository
from wit_admin.db.paging import PageRequest
from wit_admin.db.queries import (
    callers,
    collaborators,
    members,
    organizations,
    repositories,
    ssh_keys,
    teams,
    tokens,
    users,
)
from wit_admin.db.queries.ssh_keys import NewSshKey
from wit_admin.db.queries.tokens import NewToken, TokenFilter
from wit_admin.errors import ConflictError, NotFoundError


@dataclass(frozen=True, slots=True)
class Acme:
    """An organization: ``alice`` owns it, ``bob`` is a member, ``carol`` is not."""

    org_id: uuid.UUID
    alice: uuid.UUID
    bob: uuid.UUID
    carol: uuid.UUID


@pytest.fixture
def acme(sessions: sessionmaker[Session]) -> Acme:
    with sessions.begin() as session:
        alice, bob, carol = (make_user(session, name) for name in ("alice", "bob", "carol"))
        org = organizations.create_organization(session, "Acme", owner_id=alice, now=NOW)
        members.set_member(session, org.id, bob, OrgRole.MEMBER, now=NOW)
    return Acme(org.id, alice, bob, carol)


def test_a_user_is_found_by_id_name_and_address(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        made = users.create_user(
            session, "Alice", email="Alice@Example.test", full_name="Alice Liddell", now=NOW
        )

    with sessions() as session:
        found = [
            users.find_user(session, made.id),
            users.find_user_by_name(session, "aLICE"),
            users.find_user_by_email(session, "ALICE@example.TEST"),
        ]
        missing = users.find_user_by_name(session, "bob")

    assert {user.id for user in found if user} == {made.id}
    assert None not in found
    assert missing is None
    assert (made.username, made.email) == ("Alice", "alice@example.test")


def test_names_and_addresses_are_taken_once(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_user(session, "alice")
        bob = make_user(session, "bob")

        with pytest.raises(ConflictError):
            users.create_user(session, "ALICE", now=NOW)
        with pytest.raises(ConflictError):
            users.create_user(session, "carol", email="ALICE@example.test", now=NOW)
        with pytest.raises(ConflictError):
            users.update_user(session, bob, email="alice@example.test", now=NOW)
        with pytest.raises(ConflictError):
            organizations.create_organization(session, "Bob", owner_id=bob, now=NOW)

    with sessions() as session:
        assert [row.username for row in users.list_users(session)] == ["alice", "bob"]


def test_an_edit_changes_what_it_names(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id = make_user(session)
        users.update_user(session, user_id, bio="Writes", now=NOW)

    with sessions.begin() as session:
        users.update_user(session, user_id, location="Oxford", now=LATER)

    with sessions() as session:
        user = users.find_user(session, user_id)
        assert user is not None
        assert (user.bio, user.location) == ("Writes", "Oxford")
        assert (user.created_at, user.updated_at) == (NOW, LATER)


def test_users_are_searched_by_name_in_pages(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        for name in ("Bobby", "alice", "bob", "zoe"):
            make_user(session, name)
        zoe = users.find_user_id(session, "zoe")
        assert zoe is not None
        users.update_user(session, zoe, full_name="Zoe Bobson", now=NOW)

    with sessions() as session:
        first = users.search_users(session, "BOB", at=PageRequest(2))
        second = users.search_users(session, "BOB", at=PageRequest(2, first.next_cursor))
        literal = users.search_users(session, "b%b")

    assert [row.username for row in first.items] == ["bob", "Bobby"]
    assert [row.username for row in second.items] == ["zoe"]
    assert literal.items == ()


def test_a_closed_account_frees_name_and_address(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id = make_user(session, "alice")
        users.delete_user(session, user_id, now=NOW)
        again = make_user(session, "alice")

    with sessions() as session:
        assert users.find_user(session, user_id) is None
        assert users.find_user_id(session, "alice") == again


def test_an_account_that_is_needed_cannot_be_closed(
    sessions: sessionmaker[Session], acme: Acme
) -> None:
    with sessions.begin() as session:
        repo_id = make_repository(session, acme.bob)

        with pytest.raises(ConflictError, match="owns repositories"):
            users.delete_user(session, acme.bob, now=NOW)
        with pytest.raises(ConflictError, match="without an owner"):
            users.delete_user(session, acme.alice, now=NOW)

        repositories.delete_repository(session, repo_id, trash_path="trash/1", now=NOW)
        users.delete_user(session, acme.bob, now=NOW)
        assert members.find_role(session, acme.org_id, acme.bob) is None


def test_a_role_is_set_and_changed(sessions: sessionmaker[Session], acme: Acme) -> None:
    with sessions.begin() as session:
        members.set_member(session, acme.org_id, acme.carol, OrgRole.ADMIN, now=NOW)
        members.set_member(session, acme.org_id, acme.bob, OrgRole.OWNER, now=NOW)
        members.set_member(session, acme.org_id, acme.alice, OrgRole.MEMBER, now=NOW)

    with sessions() as session:
        listed = members.list_members(session, acme.org_id).items
        owners = members.list_members(session, acme.org_id, role=OrgRole.OWNER).items
        of_bob = organizations.list_organizations_of(session, acme.bob)

    assert [(row.username, row.role) for row in listed] == [
        ("alice", OrgRole.MEMBER),
        ("bob", OrgRole.OWNER),
        ("carol", OrgRole.ADMIN),
    ]
    assert [row.username for row in owners] == ["bob"]
    assert [(row.name, row.display_name, row.role) for row in of_bob] == [
        ("Acme", "Acme", OrgRole.OWNER)
    ]


def test_the_last_owner_can_neither_leave_nor_step_down(
    sessions: sessionmaker[Session], acme: Acme
) -> None:
    with sessions.begin() as session:
        with pytest.raises(ConflictError, match="without an owner"):
            members.remove_member(session, acme.org_id, acme.alice)
        with pytest.raises(ConflictError, match="without an owner"):
            members.set_member(session, acme.org_id, acme.alice, OrgRole.ADMIN, now=NOW)
        members.set_member(session, acme.org_id, acme.alice, OrgRole.OWNER, now=NOW)
        removed = [
            members.remove_member(session, acme.org_id, acme.bob),
            members.remove_member(session, acme.org_id, acme.bob),
        ]

    with sessions() as session:
        listed = members.list_members(session, acme.org_id).items
        assert removed == [True, False]
        assert [(row.username, row.role) for row in listed] == [("alice", OrgRole.OWNER)]


def test_of_owners_who_all_leave_at_once_one_stays(
    sessions: sessionmaker[Session], acme: Acme
) -> None:
    with sessions.begin() as session:
        owners = [make_user(session, f"owner{number}") for number in range(8)]
        for user_id in owners:
            members.set_member(session, acme.org_id, user_id, OrgRole.OWNER, now=NOW)
        members.remove_member(session, acme.org_id, acme.alice)
        members.remove_member(session, acme.org_id, acme.bob)

    def leave(user_id: uuid.UUID) -> None:
        with sessions.begin() as session:
            members.remove_member(session, acme.org_id, user_id)

    def close(user_id: uuid.UUID) -> None:
        with sessions.begin() as session:
            users.delete_user(session, user_id, now=NOW)

    raised = run_at_once(
        [
            lambda step=step, user_id=user_id: step(user_id)  # type: ignore[misc]
            for step, user_id in zip([leave, close] * 4, owners, strict=True)
        ]
    )

    with sessions() as session:
        names = sorted(type(error).__name__ for error in raised)
        assert names == ["ConflictError", *["NoneType"] * 7]
        assert len(members.list_members(session, acme.org_id).items) == 1


def test_organizations_are_searched_by_name_in_pages(
    sessions: sessionmaker[Session], acme: Acme
) -> None:
    with sessions.begin() as session:
        for name, title in (("zeta", "Acme's friends"), ("other", "Other")):
            organizations.create_organization(
                session, name, owner_id=acme.carol, display_name=title, now=NOW
            )

    with sessions() as session:
        first = organizations.search_organizations(session, "ACME", at=PageRequest(1))
        second = organizations.search_organizations(
            session, "ACME", at=PageRequest(1, first.next_cursor)
        )
        everything = organizations.search_organizations(session)

    assert [(row.name, row.members) for row in first.items] == [("Acme", 2)]
    assert [(row.name, row.members) for row in second.items] == [("zeta", 1)]
    assert second.next_cursor is None
    assert len(everything.items) == 3


def test_a_team_has_members_of_its_organization_only(
    sessions: sessionmaker[Session], acme: Acme
) -> None:
    with sessions.begin() as session:
        team = teams.create_team(session, acme.org_id, "Core", now=NOW)
        with pytest.raises(ConflictError, match="team 'CORE'"):
            teams.create_team(session, acme.org_id, "CORE", now=NOW)
        answers = [
            teams.add_team_member(session, team.id, acme.bob, now=NOW),
            teams.add_team_member(session, team.id, acme.bob, now=NOW),
            teams.add_team_member(session, team.id, acme.alice, now=NOW),
        ]
        with pytest.raises(ConflictError, match="Only members"):
            teams.add_team_member(session, team.id, acme.carol, now=NOW)
        both = teams.list_team_members(session, team.id)
        members.remove_member(session, acme.org_id, acme.bob)

    with sessions() as session:
        assert answers == [True, False, True]
        assert both == ["alice", "bob"]
        assert teams.list_team_members(session, team.id) == ["alice"]


def test_a_team_is_granted_repositories_of_its_organization(
    sessions: sessionmaker[Session], acme: Acme
) -> None:
    with sessions.begin() as session:
        team = teams.create_team(session, acme.org_id, "core", now=NOW)
        ours = make_repository(session, acme.org_id, "ours")
        foreign = make_repository(session, acme.bob, "foreign")
        teams.grant_team(session, team.id, ours, Permission.READ, now=NOW)
        teams.grant_team(session, team.id, ours, Permission.WRITE, now=NOW)
        with pytest.raises(NotFoundError):
            teams.grant_team(session, team.id, foreign, Permission.READ, now=NOW)
        teams.add_team_member(session, team.id, acme.bob, now=NOW)
        granted = teams.list_team_repositories(session, team.id)
        (row,) = teams.list_teams(session, acme.org_id)
        revoked = [teams.revoke_team(session, team.id, ours) for _ in range(2)]

    assert [(found.name, found.permission) for found in granted] == [("ours", Permission.WRITE)]
    assert (row.name, row.members, row.repositories) == ("core", 1, 1)
    assert revoked == [Permission.WRITE, None]


def test_a_team_can_be_renamed_and_removed(sessions: sessionmaker[Session], acme: Acme) -> None:
    with sessions.begin() as session:
        team = teams.create_team(session, acme.org_id, "core", now=NOW)
        teams.create_team(session, acme.org_id, "docs", now=NOW)
        with pytest.raises(ConflictError):
            teams.update_team(session, team.id, name="Docs", now=NOW)
        teams.update_team(session, team.id, name="Kernel", now=LATER)
        found = teams.find_team(session, acme.org_id, "kernel")
        removed = [teams.delete_team(session, team.id) for _ in range(2)]

    assert found is not None
    assert (found.id, found.updated_at) == (team.id, LATER)
    assert removed == [True, False]


def test_an_organization_with_repositories_cannot_be_deleted(
    sessions: sessionmaker[Session], acme: Acme
) -> None:
    with sessions.begin() as session:
        repo_id = make_repository(session, acme.org_id)
        organizations.update_organization(session, acme.org_id, display_name="Acme Inc.", now=LATER)
        with pytest.raises(ConflictError, match="owns repositories"):
            organizations.delete_organization(session, acme.org_id, now=NOW)
        repositories.delete_repository(session, repo_id, trash_path="trash/1", now=NOW)
        named = organizations.find_organization_by_name(session, "ACME")
        organizations.delete_organization(session, acme.org_id, now=NOW)

    with sessions.begin() as session:
        assert named is not None
        assert named.display_name == "Acme Inc."
        assert organizations.find_organization(session, acme.org_id) is None
        with pytest.raises(NotFoundError):
            members.set_member(session, acme.org_id, acme.bob, OrgRole.ADMIN, now=NOW)


def test_a_collaborator_may_do_what_was_said_last(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        _, repo_id = make_demo(session)
        bob = make_user(session, "bob")
        for permission in (Permission.ADMIN, Permission.READ):
            collaborators.set_collaborator(session, repo_id, bob, permission, now=NOW)
        named = collaborators.list_collaborators(session, repo_id)
        removed = [collaborators.remove_collaborator(session, repo_id, bob) for _ in range(2)]

    assert [(row.username, row.permission) for row in named] == [("bob", Permission.READ)]
    assert removed == [Permission.READ, None]


def test_a_key_belongs_to_one_live_account(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        alice, bob = make_user(session, "alice"), make_user(session, "bob")
        key = NewSshKey(alice, "laptop", "ssh-ed25519 AAAA", "SHA256:abc")
        made = ssh_keys.add_ssh_key(session, key, now=NOW)
        with pytest.raises(ConflictError, match="SHA256:abc"):
            ssh_keys.add_ssh_key(
                session, NewSshKey(bob, "mine", "ssh-ed25519 AAAA", "SHA256:abc"), now=NOW
            )
        found = ssh_keys.find_ssh_key(session, "SHA256:abc")
        users.update_user(session, alice, blocked_at=NOW, now=NOW)
        of_blocked = ssh_keys.find_ssh_key(session, "SHA256:abc")
        listed = [row.name for row in ssh_keys.list_ssh_keys(session, alice)]
        removed = [ssh_keys.remove_ssh_key(session, user_id, made.id) for user_id in (bob, alice)]

    assert found is not None
    assert (found.user_id, of_blocked, listed) == (alice, None, ["laptop"])
    assert removed == [False, True]


def test_of_many_who_take_a_name_at_once_one_wins(
    sessions: sessionmaker[Session],
) -> None:
    def create(make: Callable[[Session], object]) -> None:
        with sessions.begin() as session:
            make(session)

    raised = run_at_once([lambda: create(make_user)] * 4)

    names = sorted(type(error).__name__ for error in raised)
    assert names == ["ConflictError"] * 3 + ["NoneType"]


def test_a_token_that_lost_all_its_repositories_is_good_for_nothing(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        new = NewToken(user_id, "ci", b"1" * 32, "abcd", "repo:read")
        tokens.create_token(session, new, repo_ids=[repo_id], now=NOW)

    with sessions.begin() as session:
        before = callers.find_token(session, b"1" * 32, NOW)
        session.delete(session.get_one(Repository, repo_id))
        session.flush()
        after = callers.find_token(session, b"1" * 32, NOW)

    assert before is not None
    assert after is None


def test_a_token_is_made_limited_and_revoked(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        new = NewToken(user_id, "ci", b"1" * 32, "abcd", "repo:read", expires_at=LATER)
        tokens.create_token(session, new, repo_ids=[repo_id, repo_id], now=NOW)
        other = tokens.create_token(
            session, NewToken(user_id, "old", b"2" * 32, "efgh", "repo:read"), now=NOW
        )

    with sessions.begin() as session:
        found = callers.find_token(session, b"1" * 32, NOW)
        expired = callers.find_token(session, b"1" * 32, LATER)
        listed = [row.name for row in tokens.list_tokens(session, TokenFilter(user_id), now=NOW)]
        revoked = [tokens.revoke_token(session, other.id, moment) for moment in (NOW, LATER)]
        rest = [tokens.revoke_tokens_of(session, user_id, LATER) for _ in range(2)]

    with sessions() as session:
        assert found is not None
        assert (set(found.repo_ids), found.account.username) == ({repo_id}, "alice")
        assert (expired, listed) == (None, ["old", "ci"])
        assert (revoked, rest) == ([True, False], [1, 0])
        assert session.get_one(AccessToken, other.id).revoked_at == NOW
        assert tokens.list_tokens(session, TokenFilter(), now=NOW) == []
        assert not tokens.revoke_token(session, uuid.uuid4(), NOW)
