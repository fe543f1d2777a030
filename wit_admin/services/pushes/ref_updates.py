"""The ref updates of a push: as requested, and as git carried them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wit_admin.errors import ConflictError
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.pushes.commands import RefCommand
from wit_admin.git.pushes.report import PushReport, RefResult
from wit_admin.git.refs.names import ref_text
from wit_admin.git.refs.reflog import was_accepted
from wit_admin.git.refs.values import read_ref


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref that git moved. Ids are hex; all zeros stand for "not there"."""

    ref: str
    before: str
    after: str
    is_forced: bool = False

    @property
    def kind(self) -> str:
        """``created``, ``deleted``, ``forced`` or ``updated``."""
        if not self.before.strip("0"):
            return "created"
        if not self.after.strip("0"):
            return "deleted"
        return "forced" if self.is_forced else "updated"


def update_of(command: RefCommand) -> RefUpdate:
    """Return the update that a command asks for."""
    return RefUpdate(ref_text(command.ref), command.old, command.new)


def check_deletions(gitdir: Path | None, commands: Iterable[RefUpdate]) -> None:
    """Check the old values of deletions, because git does not.

    git compares the old value only if it is an object that it has. ``gitdir`` is ``None`` for a
    repository that does not exist yet.

    Raises:
        ConflictError: A ref to delete has another value.
    """
    for command in commands:
        if command.kind != "deleted":
            continue
        if gitdir is None or read_ref(gitdir, command.ref) != command.before:
            raise ConflictError(
                f"{command.ref} is not at {command.before}.", hint="Fetch, then push again."
            )


def list_accepted(
    gitdir: Path, commands: Sequence[RefUpdate], report: PushReport, *, push_id: str | None = None
) -> list[RefUpdate]:
    """Return the updates that git made, by its report, or by each ref's reflog, or by its value.

    A proc-receive hook may have moved other refs than requested, or several for one.
    """
    if report.is_complete:
        asked = {command.ref: command for command in commands}
        done = [
            _carried_out(asked[ref_text(result.ref)], result)
            for result in report.results
            if result.is_accepted and ref_text(result.ref) in asked
        ]
    else:
        done = [command for command in commands if _was_carried_out(gitdir, command, push_id)]
    return [update for update in done if update.before != update.after]


def _was_carried_out(gitdir: Path, command: RefUpdate, push_id: str | None) -> bool:
    # The value alone proves little: another push may have set it, or have replaced it.
    proof = None if push_id is None else was_accepted(gitdir, command.ref, push_id)
    if proof is not None:
        return proof
    return (read_ref(gitdir, command.ref) or "0" * len(command.after)) == command.after


def _carried_out(asked: RefUpdate, result: RefResult) -> RefUpdate:
    return RefUpdate(
        asked.ref if result.refname is None else ref_text(result.refname),
        result.old or asked.before,
        result.new or asked.after,
        is_forced=result.is_forced,
    )


def tell_forced(ancestry: Ancestry, gitdir: Path, updates: Iterable[RefUpdate]) -> list[RefUpdate]:
    """Return the updates; those that removed commits from their ref are marked as forced."""
    updates = list(updates)
    moves = [(update.before, update.after) for update in updates if update.kind == "updated"]
    forced = ancestry.find_forced(gitdir, moves)
    return [
        replace(update, is_forced=True) if (update.before, update.after) in forced else update
        for update in updates
    ]
