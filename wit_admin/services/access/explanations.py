"""Explains why a user may or may not do something, by the gate's own decisions."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.organizations import Permission
from wit_admin.db.queries import callers, protections, serving, standing
from wit_admin.errors import InvalidInputError, NotAllowedError, NotFoundError
from wit_admin.git.pushes.receive_settings import refusal_by_settings
from wit_admin.git.refs.names import is_ref_name
from wit_admin.git.refs.values import symbolic_target
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.storage import RepositoryPath
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor
from wit_admin.services.access.authentication import actor_of_token
from wit_admin.services.access.decision import (
    Action,
    Decision,
    PushCreate,
    Step,
    decide,
    decide_creation,
)
from wit_admin.services.access.gate import facts_of
from wit_admin.services.access.ref_permissions import (
    RefDecision,
    RefPolicy,
    decide_ref,
    decide_refs,
)


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to do what to which repository."""

    repository: RepoName
    action: Action
    username: str | None = None
    """``None`` for somebody who is not signed in."""
    token: uuid.UUID | bytes | None = None
    """The id of the token that is used, or the digest of its secret."""
    ref: str | None = None
    """A branch, or a full ref."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer, and the rules that led to it, in order."""

    allowed: bool
    username: str | None
    repository: str
    ref: str | None
    action: Action
    rules: tuple[str, ...]


def explain(
    sessions: sessionmaker[Session],
    question: Question,
    *,
    push_create: PushCreate,
    root: Path | None = None,
) -> Explanation:
    """Decide as the server does, and say why.

    What depends on the disk is left out without ``root``: targets of symbolic refs, and what the
    repository's own settings refuse.

    Raises:
        NotFoundError: There is no such account or token.
        InvalidInputError: The token is another account's; or the ref is missing or invalid, or does
            not fit the question.
    """
    _check_ref(question)
    with sessions() as session:
        decision = _decide(session, question, push_create, root)
    return Explanation(
        decision.allowed,
        question.username,
        str(question.repository),
        question.ref,
        question.action,
        decision.rules,
    )


def _decide(
    session: Session, question: Question, push_create: PushCreate, root: Path | None
) -> Decision:
    who = _find_actor(session, question)
    if isinstance(who, Decision):
        return who
    row = serving.find_served(session, question.repository, who.user_id if who else None)
    if row is None:
        return _decide_missing(session, question, who, push_create)
    grants = _grants(session, row.repo_id, who) if who else ()
    decision = decide(facts_of(row, grants), who, question.action)
    found = storage.resolve(root, row.disk_path) if root is not None else None
    if decision.allowed and found is not None:
        decision = _heed_switches(decision, question.action, found)
    if who is None or question.ref is None or decision.level is None or not decision.allowed:
        return decision
    rules = protections.find_rules(session, row.repo_id, who.user_id)
    about = _decide_on_ref(question, RefPolicy(who, decision.level, rules), found)
    is_allowed = about.refusal is None
    # "May push." is the last rule, or is left out.
    *steps, verdict = decision.steps
    steps += [*about.steps, *([verdict] if is_allowed else [])]
    return replace(decision, allowed=is_allowed, steps=tuple(steps))


def _heed_switches(decision: Decision, action: Action, found: RepositoryPath) -> Decision:
    """Return the decision, or the refusal of fetches or pushes by the repository's config."""
    if action is not Action.ADMIN:
        try:
            service = "upload-pack" if action is Action.READ else "receive-pack"
            storage.check_switch(found.gitdir, service)
        except NotAllowedError as error:
            refusal: Step = (f"{error.message} {error.hint}",)
            return replace(decision, allowed=False, steps=(*decision.steps[:-1], refusal))
    return decision


def _decide_on_ref(
    question: Question, policy: RefPolicy, found: RepositoryPath | None
) -> RefDecision:
    assert question.ref is not None  # noqa: S101  the caller has looked
    ref, action = full_ref(question.ref), question.action
    target = symbolic_target(found.gitdir, ref) if found is not None else None
    about = decide_refs(policy, [ref, *filter(None, [target])], action)
    if about.refusal is not None or found is None:
        return about
    refusal = refusal_by_settings(
        found.gitdir, ref, deletes=action is Action.DELETE, forces=action is Action.FORCE
    )
    return RefDecision(refusal, (*about.steps, (refusal,))) if refusal else about


def _decide_missing(
    session: Session, question: Question, actor: Actor | None, push_create: PushCreate
) -> Decision:
    if question.action is not Action.PUSH or actor is None:
        return _refusal("There is no such repository.")
    owner = serving.find_owner(session, question.repository.owner, actor.user_id)
    decision = decide_creation(owner, actor)
    if owner is None or not decision.allowed:
        return decision
    if question.ref is not None:
        about = decide_ref(
            RefPolicy(actor, Permission.ADMIN), full_ref(question.ref), question.action
        )
        decision = replace(
            decision, allowed=about.refusal is None, steps=(*decision.steps, *about.steps)
        )
        if not decision.allowed:
            return decision
    if not push_create.covers(owner.kind):
        step = ("A push may not create one here: WIT_PUSH_CREATE is {}.", push_create.value)
        return Decision(allowed=False, is_visible=False, steps=(*decision.steps, step))
    return Decision(
        allowed=True, is_visible=True, steps=(*decision.steps, ("May push, which creates it.",))
    )


def _find_actor(session: Session, question: Question) -> Actor | Decision | None:
    """Return the actor, or a decision why the server would not let this user in."""
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


def full_ref(text: str) -> bytes:
    """Return the full name of a ref; a short name is a branch."""
    return (text if text.startswith("refs/") else f"refs/heads/{text}").encode()


def _check_ref(question: Question) -> None:
    needs_ref = question.action in {Action.FORCE, Action.DELETE}
    if question.ref is None:
        if needs_ref:
            raise InvalidInputError("Give the ref: refs are protected one by one.")
    elif not needs_ref and question.action is not Action.PUSH:
        raise InvalidInputError("A ref matters for push, force and delete only.")
    elif not is_ref_name(full_ref(question.ref)):
        raise InvalidInputError(f"{question.ref!r} cannot be a ref.")


def _refusal(*step: str) -> Decision:
    return Decision(allowed=False, is_visible=False, steps=(step,))
