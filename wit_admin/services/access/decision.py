"""The one function that decides who may do what with a repository, and why.

It notes each rule as a sentence with placeholders and the words for them. Only explanations put
these together, so that git requests do not pay for text that nobody reads.
"""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass

from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries.serving import OwnerRow
from wit_admin.services.access.actors import Actor, Scope

Step = tuple[str, ...]
"""A sentence with placeholders, then the words that fill them."""


class Action(enum.StrEnum):
    """What somebody may want to do with a repository."""

    READ = "read"
    PUSH = "push"
    FORCE = "force"
    DELETE = "delete"
    ADMIN = "admin"


class PushCreate(enum.StrEnum):
    """Where a push may create a repository."""

    OFF = "off"
    USERS = "users"
    ORGS = "orgs"
    ALL = "all"

    def covers(self, kind: OwnerType) -> bool:
        """Return whether a push may create below an owner of this kind."""
        wanted = PushCreate.USERS if kind is OwnerType.USER else PushCreate.ORGS
        return self in {PushCreate.ALL, wanted}


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What the decision needs to know of a repository and of the actor's standing in it."""

    repo_id: uuid.UUID
    owner_id: uuid.UUID
    visibility: Visibility
    is_archived: bool
    permission: Permission | None
    """The highest permission from organization, teams and collaboration."""
    grants: tuple[Step, ...] = ()
    """Where the permission comes from, for explanations."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, whether the actor may know why, and what led there."""

    allowed: bool
    is_visible: bool
    steps: tuple[Step, ...]
    level: Permission | None = None
    """The actor's permission on this repository."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that were applied, as sentences."""
        return tuple(sentence.format(*words) for sentence, *words in self.steps)

    @property
    def reason(self) -> str:
        """The rule that settled it."""
        return self.rules[-1]


def decide(facts: RepositoryFacts, actor: Actor | None, action: Action) -> Decision:
    """Apply the rules in order; the first that settles the question is the last one listed."""
    steps: list[Step] = []
    level = _level(facts, actor, steps)
    if level is None:
        return Decision(allowed=False, is_visible=False, steps=tuple(steps))
    allowed = action is Action.READ or _may_change(facts, actor, level, action, steps)
    if allowed:
        steps.append(("May {}.", _WORDS[action]))
    return Decision(allowed, is_visible=True, steps=tuple(steps), level=level)


def decide_creation(owner: OwnerRow | None, actor: Actor | None) -> Decision:
    """Decide whether a push by ``actor`` may take a free name below ``owner``."""
    steps: list[Step] = [("There is no such repository.",)]
    is_visible = _may_create_below(owner, actor, steps)
    allowed = is_visible
    if actor is not None and allowed:
        if not actor.has_scope(Scope.REPO_WRITE):
            allowed = _settle(steps, "The token may not create repositories without repo:write.")
        elif actor.repo_ids is not None:
            allowed = _settle(steps, "The token is limited, so it may not create repositories.")
    return Decision(allowed, is_visible, tuple(steps))


_WORDS = {
    Action.READ: "read",
    Action.PUSH: "push",
    Action.FORCE: "push by force",
    Action.DELETE: "delete refs",
    Action.ADMIN: "administer",
}


def _level(facts: RepositoryFacts, actor: Actor | None, steps: list[Step]) -> Permission | None:
    """Return the actor's permission, or ``None`` if it may not even see the repository."""
    floor = Permission.READ if facts.visibility is Visibility.PUBLIC else None
    steps.append(("The repository is {}.", facts.visibility))
    if actor is None:
        steps.append(("Nobody is signed in.",))
    elif not actor.has_scope(Scope.REPO_READ):
        steps.append(("The token has no scope for repositories.",))
    elif actor.repo_ids is not None and facts.repo_id not in actor.repo_ids:
        steps.append(("The token is limited to other repositories.",))
    else:
        return _granted(facts, actor, steps) or floor
    return floor


def _granted(facts: RepositoryFacts, actor: Actor, steps: list[Step]) -> Permission | None:
    steps.extend(facts.grants)
    if actor.user_id == facts.owner_id:
        steps.append(("{} owns it.", actor.username))
        return Permission.ADMIN
    if actor.is_admin:
        steps.append(("{} administers the site.", actor.username))
        return Permission.ADMIN
    if facts.permission is None:
        steps.append(("{} has no permission of their own.", actor.username))
    else:
        steps.append(("{} has {} permission.", actor.username, facts.permission))
    return facts.permission


def _may_change(
    facts: RepositoryFacts,
    actor: Actor | None,
    level: Permission,
    action: Action,
    steps: list[Step],
) -> bool:
    is_push = action is not Action.ADMIN
    scope = Scope.REPO_WRITE if is_push else Scope.ADMIN
    if actor is None:
        return _settle(steps, "Pushing needs an account." if is_push else "That needs an account.")
    if not actor.has_scope(scope):
        return _settle(steps, "The token lacks the scope {}.", scope)
    if not is_push and level is not Permission.ADMIN:
        return _settle(steps, "Admin permission is needed.")
    if level is Permission.READ:
        return _settle(steps, "Write permission is needed to push.")
    if is_push and facts.is_archived:
        return _settle(steps, "The repository is archived and takes no pushes.")
    return True


def _may_create_below(owner: OwnerRow | None, actor: Actor | None, steps: list[Step]) -> bool:
    if actor is None:
        return _settle(steps, "Pushing needs an account.")
    if owner is None:
        return _settle(steps, "There is no such owner.")
    if owner.owner_id == actor.user_id:
        steps.append(("{} owns the name it would have.", actor.username))
    elif owner.role in {OrgRole.OWNER, OrgRole.ADMIN}:
        steps.append(("{} is {} of {}.", actor.username, owner.role, owner.name))
    elif actor.is_admin:
        steps.append(("{} administers the site.", actor.username))
    else:
        return _settle(steps, "{} may not create below {}.", actor.username, owner.name)
    return True


def _settle(steps: list[Step], *step: str) -> bool:
    steps.append(step)
    return False
