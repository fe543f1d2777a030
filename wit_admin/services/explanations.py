"""Why somebody may or may not do something: the gate's own decisions, with their reasons."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.queries import callers, serving, standing
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.access import Action, Decision, PushCreate, Step, decide, decide_creation
from wit_admin.services.actors import Actor
from wit_admin.services.authentication import actor_of_token
from wit_admin.services.gate import facts_of


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to do what to which repository."""

    repository: RepoName
    action: Action
    username: str | None = None
    """``None`` for who has not signed in."""
    token: uuid.UUID | bytes | None = None
    """The id of the token that is used, or the digest of its secret."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer, and what led there in this order."""

    allowed: bool
    username: str | None
    repository: str
    action: Action
    rules: tuple[str, ...]


def explain(
    sessions: sessionmaker[Session], question: Question, *, push_create: PushCreate
) -> Explanation:
    """Decide as the server does, and say why.

    Raises:
        NotFoundError: There is no such account or token.
        InvalidInputError: The token is another account's.
    """
    with sessions() as session:
        decision = _decide(session, question, push_create)
    return Explanation(
        decision.allowed,
        question.username,
        str(question.repository),
        question.action,
        decision.rules,
    )


def _decide(session: Session, question: Question, push_create: PushCreate) -> Decision:
    who = _find_actor(session, question)
    if isinstance(who, Decision):
        return who
    row = serving.find_served(session, question.repository, who.user_id if who else None)
    if row is None:
        return _decide_missing(session, question, who, push_create)
    grants = _grants(session, row.repo_id, who) if who else ()
    return decide(facts_of(row, grants), who, question.action)


def _decide_missing(
    session: Session, question: Question, actor: Actor | None, push_create: PushCreate
) -> Decision:
    if question.action is not Action.PUSH or actor is None:
        return _refusal("There is no such repository.")
    owner = serving.find_owner(session, question.repository.owner, actor.user_id)
    decision = decide_creation(owner, actor)
    if owner is None or not decision.allowed:
        return decision
    if not push_create.covers(owner.kind):
        step = ("A push may not create one here: WIT_PUSH_CREATE is {}.", push_create.value)
        return Decision(allowed=False, is_visible=False, steps=(*decision.steps, step))
    return Decision(
        allowed=True, is_visible=True, steps=(*decision.steps, ("May push, which creates it.",))
    )


def _find_actor(session: Session, question: Question) -> Actor | Decision | None:
    """Return who it is to the server, or why the server lets nobody in with this."""
    if question.username is None:
        return None
    account = callers.find_account(session, question.username)
    if account is None:
        return _why_no_account(session, question.username)
    if question.token is None:
        return Actor(account.user_id, account.username, account.is_admin)
    state = standing.find_token_state(session, question.token)
    if state is None:
        raise NotFoundError("There is no such token.", hint="See 'wit-admin token list'.")
    if state.user_id != account.user_id:
        raise InvalidInputError(f"The token is not {account.username}'s.")
    token = callers.find_token(session, question.token, utc_now())
    if token is not None:
        return actor_of_token(token)
    return _refusal("The token was revoked." if state.revoked_at else "The token has expired.")


def _why_no_account(session: Session, username: str) -> Decision:
    state = standing.find_account_state(session, username)
    if state is None:
        raise NotFoundError(f"There is no user {username}.", hint="See 'wit-admin user list'.")
    if state.deleted_at is not None:
        return _refusal("{} was deleted.", username)
    if state.is_placeholder:
        return _refusal("{} is a placeholder, which nobody can sign in as.", username)
    return _refusal("{} is blocked.", username)


def _grants(session: Session, repo_id: uuid.UUID, actor: Actor) -> tuple[Step, ...]:
    found = standing.find_standing(session, repo_id, actor.user_id)
    name = actor.username
    steps: list[Step] = []
    if found.organization is not None and found.role is not None:
        steps.append(("{} is {} of {}.", name, found.role, found.organization))
    for team in found.teams:
        place = f"{team.organization}/{team.team}"
        steps.append(("{} is in {}, which has {} permission.", name, place, team.permission))
    if found.collaboration is not None:
        steps.append(("{} is a collaborator with {} permission.", name, found.collaboration))
    return tuple(steps)


def _refusal(*step: str) -> Decision:
    return Decision(allowed=False, is_visible=False, steps=(step,))
