"""Finds out, before git runs, which checks a push needs."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.organizations import Permission
from wit_admin.db.queries import protections
from wit_admin.errors import RefsRefusedError
from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.pushes.guard import PushGuard
from wit_admin.git.refs.names import ref_text
from wit_admin.git.refs.values import symbolic_target
from wit_admin.services.access.ref_permissions import PushDecision, RefPolicy, decide_push
from wit_admin.services.access.targets import Creatable, Served

_WITH_OTHERS = "atomic push failure"
_WITHOUT_GIT = "protected: this server has no git to check it"
_BESIDE = "refused with another ref, because this server has no git"


def guard_push(
    sessions: sessionmaker[Session] | None,
    target: Served | Creatable,
    request: PushRequest,
    *,
    has_git: bool,
) -> PushGuard | None:
    """Return the checks that must run during the push, or ``None`` if it needs none.

    Raises:
        RefsRefusedError: None of the refs can be accepted.
        UnavailableError: The database is gone.
    """
    policy = _policy(sessions, target)
    if policy.is_unrestricted:
        return None
    gitdir = target.gitdir if isinstance(target, Served) else None
    found = decide_push(policy, request.commands, _targets(gitdir, request))
    if not (found.refusals or found.guards):
        return None
    _raise_if_all_are_refused(request, found, has_git=has_git)
    return PushGuard(
        found.refusals,
        found.guards,
        is_atomic=request.is_atomic,
        side_band=request.side_band,
        commands=len(request.commands),
        variables=_variables(target, request),
    )


def _policy(sessions: sessionmaker[Session] | None, target: Served | Creatable) -> RefPolicy:
    actor = target.actor
    if isinstance(target, Creatable):
        return RefPolicy(actor, Permission.ADMIN)
    if sessions is None or target.repo_id is None or actor is None or not target.has_protections:
        return RefPolicy(actor, target.level)
    with sessions() as session:
        rules = protections.find_rules(session, target.repo_id, actor.user_id)
    return RefPolicy(actor, target.level, rules)


def _targets(gitdir: Path | None, request: PushRequest) -> dict[bytes, bytes]:
    """Return the targets of symbolic refs in the push: pushing to one changes its target."""
    if gitdir is None:
        return {}
    found = ((c.ref, symbolic_target(gitdir, c.ref)) for c in request.commands)
    return {ref: target for ref, target in found if target is not None}


def _raise_if_all_are_refused(request: PushRequest, found: PushDecision, *, has_git: bool) -> None:
    reasons = dict(found.refusals)
    rest = [command.ref for command in request.commands if command.ref not in reasons]
    if not has_git:
        reasons |= {guard.ref: _WITHOUT_GIT for guard in found.guards}
        reasons |= dict.fromkeys([ref for ref in rest if ref not in reasons], _BESIDE)
    elif request.is_atomic and reasons:
        reasons |= dict.fromkeys(rest, _WITH_OTHERS)
    if len(reasons) == len(request.commands):
        ref, reason = next(iter(reasons.items()))
        raise RefsRefusedError(f"{ref_text(ref)}: {reason}.", reasons=reasons)


def _variables(target: Served | Creatable, request: PushRequest) -> dict[str, str]:
    options = {
        f"GIT_PUSH_OPTION_{number}": os.fsdecode(option)
        for number, option in enumerate(request.options)
    }
    return {
        "REMOTE_USER": target.actor.username if target.actor else "anonymous",
        "WIT_REPOSITORY": str(target.name),
        "GIT_PUSH_OPTION_COUNT": str(len(options)),
        **options,
    }
