"""The one function that decides who may do what to a repository, and says why."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass

from wit_admin.db.models.organizations import Permission
from wit_admin.db.models.repositories import Visibility
from wit_admin.services.actors import Actor, Scope


class Action(enum.StrEnum):
    """What may be asked of a repository."""

    READ = "read"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What the decision needs to know of a repository and of the actor's standing in it."""

    repo_id: uuid.UUID
    owner_id: uuid.UUID
    visibility: Visibility
    is_archived: bool
    permission: Permission | None
    """The most that organization, teams and collaboration give the actor."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, whether the actor may know why, and the rules that led there."""

    allowed: bool
    is_visible: bool
    rules: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The rule that settled it."""
        return self.rules[-1]


def decide(facts: RepositoryFacts, actor: Actor | None, action: Action) -> Decision:
    """Apply the rules in order; the first that settles the question is the last one listed."""
    rules: list[str] = []
    level = _level(facts, actor, rules)
    if level is None:
        return Decision(allowed=False, is_visible=False, rules=tuple(rules))
    if action is Action.READ:
        rules.append("May read.")
        return Decision(allowed=True, is_visible=True, rules=tuple(rules))
    allowed = _may_push(facts, actor, level, rules)
    return Decision(allowed=allowed, is_visible=True, rules=tuple(rules))


def _level(facts: RepositoryFacts, actor: Actor | None, rules: list[str]) -> Permission | None:
    """Return what the actor may do at most, or ``None`` when it may not even see it."""
    floor = Permission.READ if facts.visibility is Visibility.PUBLIC else None
    rules.append(f"The repository is {facts.visibility.value}.")
    if actor is None:
        rules.append("Nobody is signed in.")
    elif not actor.has_scope(Scope.REPO_READ):
        rules.append("The token has no scope for repositories.")
    elif actor.repo_ids is not None and facts.repo_id not in actor.repo_ids:
        rules.append("The token is limited to other repositories.")
    else:
        return _granted(facts, actor, rules) or floor
    return floor


def _granted(facts: RepositoryFacts, actor: Actor, rules: list[str]) -> Permission | None:
    if actor.user_id == facts.owner_id:
        rules.append(f"{actor.username} owns it.")
        return Permission.ADMIN
    if actor.is_admin:
        rules.append(f"{actor.username} administers the site.")
        return Permission.ADMIN
    if facts.permission is None:
        rules.append(f"{actor.username} has no permission of their own.")
    else:
        rules.append(f"{actor.username} has {facts.permission.value} permission.")
    return facts.permission


def _may_push(
    facts: RepositoryFacts, actor: Actor | None, level: Permission, rules: list[str]
) -> bool:
    if actor is None:
        rules.append("Pushing needs an account.")
    elif not actor.has_scope(Scope.REPO_WRITE):
        rules.append("The token may read only; it lacks the scope repo:write.")
    elif level is Permission.READ:
        rules.append("Write permission is needed to push.")
    elif facts.is_archived:
        rules.append("The repository is archived and takes no pushes.")
    else:
        rules.append("May push.")
        return True
    return False
