"""Why somebody may do something: each rule that counts is named, in the order it is applied."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_demo, make_repository, make_user
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.queries import collaborators, members, organizations, teams
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Scope
from wit_admin.services.access.credentials import digest_secret
from wit_admin.services.access.decision import Action, PushCreate
from wit_admin.services.access.explanations import Explanation, Question, explain
from wit_admin.services.accounts.changes import block_user
from wit_admin.services.accounts.tokens import TokenOrder, create_token, revoke_token
from wit_admin.services.lookups import get_user
from wit_admin.services.owners.removal import close_account
from wit_admin.services.repositories.collaborators import add_collaborator
from wit_admin.services.repositories.protections import ProtectionOrder, add_protection

DEMO, FRESH = RepoName.parse("alice/demo"), RepoName.parse("alice/fresh")


def ask(
    sessions: sessionmaker[Session],
    username: str | None,
    action: Action,
    *,
    token: uuid.UUID | bytes | None = None,
    push_create: PushCreate | None = None,
) -> Explanation:
    question = Question(FRESH if push_create else DEMO, action, username, token)
    return explain(sessions, question, push_create=push_create or PushCreate.ALL)


def explain_ref(
    sessions: sessionmaker[Session],
    username: str,
    action: Action,
    ref: str,
    *,
    token: uuid.UUID | None = None,
) -> Explanation:
    question = Question(DEMO, action, username, token, ref)
    return explain(sessions, question, push_create=PushCreate.ALL)


def test_every_source_of_a_permission_is_named(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        alice, bob = make_user(session), make_user(session, "bob")
        acme = organizations.create_organization(session, "acme", owner_id=alice, now=NOW)
        repo_id = make_repository(session, acme.id)
        members.set_member(session, acme.id, bob, OrgRole.MEMBER, now=NOW)
        core = teams.create_team(session, acme.id, "core", now=NOW)
        teams.add_team_member(session, core.id, bob, now=NOW)
        teams.grant_team(session, core.id, repo_id, Permission.WRITE, now=NOW)
        collaborators.set_collaborator(session, repo_id, bob, Permission.READ, now=NOW)

    question = Question(RepoName.parse("acme/demo"), Action.PUSH, "bob")
    said = explain(sessions, question, push_create=PushCreate.ALL)

    assert said.allowed
    assert said.rules == (
        "The repository is private.",
        "bob is member of acme.",
        "bob is in acme/core, which has write permission.",
        "bob is a collaborator with read permission.",
        "bob has write permission.",
        "May push.",
    )


def test_who_has_not_signed_in_may_not_push(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)

    said = ask(sessions, None, Action.PUSH)

    assert not said.allowed
    assert said.rules == ("The repository is private.", "Nobody is signed in.")


@pytest.mark.parametrize("has_account", [True, False])
def test_account_that_cannot_sign_in_is_told_apart(
    sessions: sessionmaker[Session], *, has_account: bool
) -> None:
    with sessions.begin() as session:
        make_demo(session)
        make_user(session, "bob")
    if has_account:
        block_user(sessions, "bob")
    else:
        with sessions.begin() as session:
            close_account(session, get_user(session, "bob").id)

    said = ask(sessions, "bob", Action.READ)

    assert said.rules == ("bob is blocked." if has_account else "bob was deleted.",)


def test_token_counts_with_its_limits(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)
        make_user(session, "bob")
    order = TokenOrder("test", [Scope.REPO_READ])
    token = create_token(sessions, "alice", order=order)

    by_id = ask(sessions, "alice", Action.PUSH, token=token.id)
    by_secret = ask(sessions, "alice", Action.PUSH, token=digest_secret(token.token))
    revoke_token(sessions, token.id)
    revoked = ask(sessions, "alice", Action.READ, token=token.id)

    assert by_id == by_secret
    assert by_id.rules[-1] == "The token lacks the scope repo:write."
    assert revoked.rules == ("The token was revoked.",)
    with pytest.raises(InvalidInputError, match="not bob's"):
        ask(sessions, "bob", Action.READ, token=token.id)
    with pytest.raises(NotFoundError, match="no such token"):
        ask(sessions, "bob", Action.READ, token=uuid.UUID(int=1))


def test_push_to_a_free_name_is_decided_by_who_owns_it(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)
        make_user(session, "bob")

    own = ask(sessions, "alice", Action.PUSH, push_create=PushCreate.USERS)
    foreign = ask(sessions, "bob", Action.PUSH, push_create=PushCreate.USERS)
    nowhere = ask(sessions, "alice", Action.PUSH, push_create=PushCreate.ORGS)

    assert own.rules[-1] == "May push, which creates it."
    assert foreign.rules[-1] == "bob may not create below alice."
    assert nowhere.rules[-1].endswith("WIT_PUSH_CREATE is orgs.")
    assert [own.allowed, foreign.allowed, nowhere.allowed] == [True, False, False]


def test_protection_of_a_ref_is_part_of_the_answer(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)
        make_user(session, "bob")
    order = ProtectionOrder("release/*", pushers=["alice"], max_blob_bytes=10, check="style")
    add_protection(sessions, DEMO, order)
    add_collaborator(sessions, DEMO, "bob", Permission.ADMIN)

    own = explain_ref(sessions, "alice", Action.PUSH, "release/1")
    forced = explain_ref(sessions, "alice", Action.FORCE, "refs/heads/release/1")
    deleted = explain_ref(sessions, "alice", Action.DELETE, "release/1")
    theirs = explain_ref(sessions, "bob", Action.PUSH, "release/1")
    elsewhere = explain_ref(sessions, "bob", Action.DELETE, "release/1/x")
    hidden = explain_ref(sessions, "alice", Action.PUSH, "refs/wit/x")

    protected = "refs/heads/release/1 is protected by refs/heads/release/*."
    assert own.rules[-4:] == (
        protected,
        "No file may have more than 10 bytes.",
        "The check style looks at each push.",
        "May push.",
    )
    assert "May push." not in theirs.rules
    assert forced.rules[-2:] == (protected, "Refused: no forced pushes.")
    assert deleted.rules[-1] == "Refused: it may not be deleted."
    assert theirs.rules[-1] == "Refused: you are not among those who may push to it."
    assert hidden.rules[-1] == "refs/wit/x is the server's own."
    decisions = [said.allowed for said in (own, forced, deleted, theirs, elsewhere, hidden)]
    assert decisions == [True, False, False, False, True, False]


def test_token_is_held_to_its_refs(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)
    order = TokenOrder("bot", [Scope.REPO_WRITE], ref="bot/*")
    token = create_token(sessions, "alice", order=order)

    inside = explain_ref(sessions, "alice", Action.PUSH, "bot/x", token=token.id)
    outside = explain_ref(sessions, "alice", Action.PUSH, "main", token=token.id)
    question = Question(FRESH, Action.PUSH, "alice", token.id, "main")
    fresh = explain(sessions, question, push_create=PushCreate.ALL)

    assert inside.allowed
    assert outside.rules[-1] == "The token may change refs/heads/bot/* only."
    assert fresh.rules[-1] == outside.rules[-1]
    assert (outside.allowed, fresh.allowed) == (False, False)
