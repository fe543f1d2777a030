"""Decides who may do what to a ref, by protections and by a token's limit on refs.

Rules on names are decided here, before git runs. Rules that need the pushed objects become a
:class:`RefGuard`, which the backend applies while git keeps the objects in quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wit_admin.db.models.organizations import Permission
from wit_admin.db.queries.protections import RefRule
from wit_admin.git.children.environment import HIDDEN_REFS
from wit_admin.git.pushes.commands import RefCommand
from wit_admin.git.pushes.guard import RefGuard
from wit_admin.git.refs.names import ref_text
from wit_admin.git.refs.pattern import RefPattern
from wit_admin.services.access.actors import Actor
from wit_admin.services.access.decision import Action, Step

_TAGS = b"refs/tags/"
_HIDDEN = tuple(prefix.encode() for prefix in HIDDEN_REFS)
_LEVELS = tuple(Permission)


@dataclass(frozen=True, slots=True)
class RefPolicy:
    """The rules for a push: the pusher's permission, and the protections of the refs."""

    actor: Actor | None
    level: Permission
    rules: Sequence[RefRule] = ()

    @property
    def is_unrestricted(self) -> bool:
        """Whether neither a protection nor the token limits the refs."""
        return not self.rules and (self.actor is None or self.actor.ref_pattern is None)


@dataclass(frozen=True, slots=True)
class RefDecision:
    """Whether a ref may be changed; ``steps`` has a sentence for each rule that applied."""

    refusal: str | None
    """The reason that the client sees beside the ref; ``None`` if it is allowed."""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class PushDecision:
    """The decision on a push by its refs' names, before git runs."""

    refusals: Mapping[bytes, str] = field(default_factory=dict)
    guards: tuple[RefGuard, ...] = ()


def decide_ref(policy: RefPolicy, ref: bytes, action: Action) -> RefDecision:
    """Apply the rules that match ``ref``; all of them must allow the action."""
    steps: list[Step] = []
    actor, name = policy.actor, ref_text(ref)
    if ref.startswith(_HIDDEN):
        return RefDecision("deny updating a hidden ref", (("{} is the server's own.", name),))
    if actor is not None and actor.ref_pattern is not None:
        if not RefPattern(actor.ref_pattern).matches(ref):
            step = ("The token may change {} only.", actor.ref_pattern)
            return RefDecision(f"the token may change {actor.ref_pattern} only", (step,))
        steps.append(("The token may change {}.", actor.ref_pattern))
    for rule in _rules_for(policy, ref):
        steps.append(("{} is protected by {}.", name, rule.pattern))
        refusal = _refusal_of(rule, policy.level, ref, action)
        if refusal is not None:
            return RefDecision(f"protected: {refusal}", (*steps, (f"Refused: {refusal}.",)))
        if rule.max_blob_bytes is not None and action is not Action.DELETE:
            steps.append(("No file may have more than {} bytes.", str(rule.max_blob_bytes)))
        if rule.check_name is not None:
            steps.append(("The check {} looks at each push.", rule.check_name))
    return RefDecision(None, tuple(steps))


def decide_refs(policy: RefPolicy, refs: Sequence[bytes], action: Action) -> RefDecision:
    """Decide about a ref and, if it is symbolic, its target: all must allow the action."""
    steps: list[Step] = []
    for ref in refs:
        found = decide_ref(policy, ref, action)
        steps += (step for step in found.steps if step not in steps)
        if found.refusal is not None:
            return RefDecision(found.refusal, tuple(steps))
    return RefDecision(None, tuple(steps))


def decide_push(
    policy: RefPolicy, commands: Sequence[RefCommand], targets: Mapping[bytes, bytes]
) -> PushDecision:
    """Decide each command by its names, and return the checks that are left.

    ``targets`` has the targets of symbolic refs: a push to one changes its target.
    """
    refusals: dict[bytes, str] = {}
    guards = []
    for command in commands:
        refs = [command.ref, *filter(None, [targets.get(command.ref)])]
        refusal = decide_refs(policy, refs, _action_of(command)).refusal
        if refusal is not None:
            refusals[command.ref] = refusal
            continue
        guard = _guard_of(command, [rule for ref in refs for rule in _rules_for(policy, ref)])
        if guard.has_work:
            guards.append(guard)
    return PushDecision(refusals, tuple(guards))


def _rules_for(policy: RefPolicy, ref: bytes) -> list[RefRule]:
    return [rule for rule in policy.rules if RefPattern(rule.pattern).matches(ref)]


def _refusal_of(rule: RefRule, level: Permission, ref: bytes, action: Action) -> str | None:
    if rule.limits_pushers and not rule.is_named:
        return "you are not among those who may push to it"
    if _LEVELS.index(level) < _LEVELS.index(rule.push_permission):
        return f"{rule.push_permission} permission is needed"
    if action is Action.DELETE and not rule.allow_delete:
        return "it may not be deleted"
    if action is Action.FORCE and not rule.allow_force:
        return "a tag may not be moved" if ref.startswith(_TAGS) else "no forced pushes"
    return None


def _action_of(command: RefCommand) -> Action:
    if command.deletes:
        return Action.DELETE
    # A moved tag counts as forced: clients that have fetched it keep the old one.
    is_moved_tag = command.ref.startswith(_TAGS) and not command.creates
    return Action.FORCE if is_moved_tag and command.old != command.new else Action.PUSH


def _guard_of(command: RefCommand, rules: Sequence[RefRule]) -> RefGuard:
    moves = not (command.creates or command.deletes)
    limits = [rule for rule in rules if rule.max_blob_bytes is not None and not command.deletes]
    smallest = min((rule.max_blob_bytes or 0 for rule in limits), default=None)
    return RefGuard(
        command.ref,
        command.old,
        command.new,
        forbids_force=moves and any(not rule.allow_force for rule in rules),
        max_blob_bytes=smallest,
        vetted=tuple(rule.pattern for rule in limits if rule.max_blob_bytes == smallest),
        checks=tuple(sorted({rule.check_name for rule in rules if rule.check_name is not None})),
    )
