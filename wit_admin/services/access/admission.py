"""Authorization for the JSON API, by the rules that hold for git."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.organizations import Permission
from wit_admin.db.queries import serving
from wit_admin.errors import NotAllowedError, UnauthenticatedError
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor
from wit_admin.services.access.decision import Action, decide
from wit_admin.services.access.gate import facts_of, hidden


@dataclass(frozen=True, slots=True)
class Admitted:
    """A repository that the caller may use as it asked to."""

    repo_id: uuid.UUID
    level: Permission
    """The most that the caller may do there."""


def admit(
    sessions: sessionmaker[Session], name: RepoName, actor: Actor | None, action: Action
) -> Admitted:
    """Return the repository if ``actor`` may do this to it; ``None`` is an anonymous caller.

    Raises:
        UnauthenticatedError: The caller is anonymous, and an account is needed.
        NotFoundError: There is no such repository, or the caller may not know of it.
        NotAllowedError: The caller may only read it.
    """
    with sessions() as session:
        row = serving.find_served(session, name, actor.user_id if actor else None)
    decision = None if row is None else decide(facts_of(row), actor, action)
    if row is None or decision is None or not decision.is_visible:
        raise hidden(name, actor)
    if not decision.allowed:
        if actor is None:
            raise UnauthenticatedError(decision.reason, hint="Sign in first.")
        raise NotAllowedError(decision.reason)
    return Admitted(row.repo_id, decision.level or Permission.READ)


def require_site_admin(actor: Actor) -> None:
    """Check that ``actor`` administers the site, with credentials that include it.

    Raises:
        NotAllowedError: It does not, or its token does not allow it.
    """
    if not actor.is_admin or actor.repo_ids is not None:
        raise NotAllowedError(
            "Only a site administrator may do that.",
            hint="A token needs the scope admin, and no limit to repositories.",
        )
