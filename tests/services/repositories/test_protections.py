"""Protected refs as rows: set, replaced, listed, removed, by one or by two at once."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_demo, make_user, run_at_once
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.queries import members, merging, organizations, teams, users
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.audit import trail
from wit_admin.services.lookups import get_user
from wit_admin.services.repositories import protections
from wit_admin.services.repositories.protections import ProtectionOrder

DEMO = RepoName.parse("alice/demo")


@pytest.fixture(autouse=True)
def _demo(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        alice, _ = make_demo(session)
        acme = organizations.create_organization(session, "acme", owner_id=alice, now=NOW)
        bob = make_user(session, "bob")
        members.set_member(session, acme.id, bob, OrgRole.MEMBER, now=NOW)
        core = teams.create_team(session, acme.id, "core", now=NOW)
        teams.add_team_member(session, core.id, bob, now=NOW)


def test_same_pattern_replaces_what_it_said(sessions: sessionmaker[Session]) -> None:
    first = ProtectionOrder("main", pushers=["alice", "acme/core"], max_blob_bytes=5, check="x")
    second = ProtectionOrder("refs/heads/main", Permission.ADMIN, allow_force=True)

    made = protections.add_protection(sessions, DEMO, first)
    replaced = protections.add_protection(sessions, DEMO, second)

    assert made.pushers == ("alice", "acme/core")
    assert protections.list_protections(sessions, DEMO) == [replaced]
    assert (replaced.pattern, replaced.pushers) == ("refs/heads/main", ())
    assert not replaced.limits_pushers


def test_each_change_is_audited_with_what_was_before(sessions: sessionmaker[Session]) -> None:
    protections.add_protection(sessions, DEMO, ProtectionOrder("main"))
    protections.add_protection(sessions, DEMO, ProtectionOrder("main", pushers=["bob"]))
    protections.remove_protection(sessions, DEMO, "main")

    removed, changed, made = trail.list_events(sessions, AuditFilter(action="protection"), limit=9)

    assert [made.action, removed.action] == ["protection.set", "protection.remove"]
    assert made.before is None
    assert changed.before == made.after
    assert removed.before == changed.after
    assert changed.after is not None
    assert changed.after["protection"]["pushers"] == ["bob"]
    assert changed.after["protection"]["pattern"] == "refs/heads/main"


def test_two_at_once_end_as_one(sessions: sessionmaker[Session]) -> None:
    orders = [ProtectionOrder("main", pushers=[name]) for name in ("alice", "bob")]
    tasks = [partial(protections.add_protection, sessions, DEMO, order) for order in orders]

    raised = run_at_once([*tasks])

    (left,) = protections.list_protections(sessions, DEMO)
    assert raised == [None, None]
    assert left.pushers in {("alice",), ("bob",)}


def test_nobody_may_push_when_those_who_may_are_gone(sessions: sessionmaker[Session]) -> None:
    protections.add_protection(sessions, DEMO, ProtectionOrder("main", pushers=["bob"]))
    with sessions.begin() as session:
        users.delete_user(session, get_user(session, "bob").id, now=NOW)

    (left,) = protections.list_protections(sessions, DEMO)

    assert left.limits_pushers
    assert left.pushers == ()


def test_merged_account_may_push_where_either_could(sessions: sessionmaker[Session]) -> None:
    protections.add_protection(sessions, DEMO, ProtectionOrder("main", pushers=["bob"]))
    protections.add_protection(sessions, DEMO, ProtectionOrder("next", pushers=["alice", "bob"]))

    with sessions.begin() as session:
        bob, alice = get_user(session, "bob").id, get_user(session, "alice").id
        merging.move_memberships(session, bob, alice, now=NOW)

    pushers = [row.pushers for row in protections.list_protections(sessions, DEMO)]
    assert pushers == [("alice",), ("alice",)]


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [
        (ProtectionOrder("a..b"), InvalidInputError, "not a pattern"),
        (ProtectionOrder("main", check="../x"), InvalidInputError, "cannot name a check"),
        (ProtectionOrder("main", check=".x"), InvalidInputError, "cannot name a check"),
        (ProtectionOrder("main", Permission.READ), InvalidInputError, "not enough to push"),
        (ProtectionOrder("main", max_blob_bytes=2**63), InvalidInputError, "larger than any"),
        (ProtectionOrder("main", pushers=["carl"]), NotFoundError, "no user carl"),
        (ProtectionOrder("main", pushers=["acme/x"]), NotFoundError, "acme has no team x"),
        (ProtectionOrder("main", pushers=["nobody/x"]), NotFoundError, "no organization"),
    ],
)
def test_bad_protection_is_refused(
    sessions: sessionmaker[Session], order: ProtectionOrder, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        protections.add_protection(sessions, DEMO, order)

    assert protections.list_protections(sessions, DEMO) == []


def test_what_is_not_there_cannot_be_removed(sessions: sessionmaker[Session]) -> None:
    with pytest.raises(NotFoundError, match="no protection refs/heads/main"):
        protections.remove_protection(sessions, DEMO, "main")
    with pytest.raises(NotFoundError, match="no repository"):
        protections.list_protections(sessions, RepoName.parse("alice/none"))
