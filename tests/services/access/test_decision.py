"""Who may do what, and why: the whole table."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from wit_admin.db.models.organizations import Permission
from wit_admin.db.models.repositories import Visibility
from wit_admin.services.access.actors import Actor
from wit_admin.services.access.decision import Action, RepositoryFacts, decide

OWNER = Actor(uuid.UUID(int=1), "owner")
GUEST = Actor(uuid.UUID(int=2), "guest")
PRIVATE = RepositoryFacts(
    repo_id=uuid.UUID(int=9),
    owner_id=OWNER.user_id,
    visibility=Visibility.PRIVATE,
    is_archived=False,
    permission=None,
)
PUBLIC = replace(PRIVATE, visibility=Visibility.PUBLIC)
READER = frozenset({"repo:read"})
WRITER = frozenset({"repo:write"})


@pytest.mark.parametrize(
    ("facts", "actor", "reads", "pushes"),
    [
        (PUBLIC, None, True, False),
        (PRIVATE, None, False, False),
        (PUBLIC, GUEST, True, False),
        (PRIVATE, GUEST, False, False),
        (PRIVATE, OWNER, True, True),
        (PRIVATE, replace(GUEST, is_admin=True), True, True),
        (replace(PRIVATE, permission=Permission.READ), GUEST, True, False),
        (replace(PRIVATE, permission=Permission.WRITE), GUEST, True, True),
        (replace(PRIVATE, permission=Permission.ADMIN), GUEST, True, True),
        (replace(PRIVATE, is_archived=True), OWNER, True, False),
        (PRIVATE, replace(OWNER, scopes=READER), True, False),
        (PRIVATE, replace(OWNER, scopes=WRITER), True, True),
        (PRIVATE, replace(OWNER, scopes=frozenset({"admin"})), False, False),
        (PRIVATE, replace(OWNER, repo_ids=frozenset({uuid.UUID(int=8)})), False, False),
        (PUBLIC, replace(OWNER, repo_ids=frozenset({uuid.UUID(int=8)})), True, False),
        (PRIVATE, replace(OWNER, repo_ids=frozenset({PRIVATE.repo_id})), True, True),
    ],
)
def test_decision_follows_the_rules(
    facts: RepositoryFacts, actor: Actor | None, *, reads: bool, pushes: bool
) -> None:
    read, push = decide(facts, actor, Action.READ), decide(facts, actor, Action.PUSH)

    assert read.allowed is reads
    assert push.allowed is pushes
    assert push.is_visible is reads
    assert read.reason.endswith(".")
    assert push.reason.endswith(".")
