"""Replays the push journal: records what git accepted before a process died."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.events import AuditOrigin
from wit_admin.db.queries import pushes as queries
from wit_admin.db.queries import repositories, users
from wit_admin.errors import ConflictError
from wit_admin.git.children.processes import live_push_ids
from wit_admin.git.refs.head import read_head
from wit_admin.git.refs.reflog import was_accepted
from wit_admin.git.refs.values import read_ref
from wit_admin.git.repositories import storage, sweep
from wit_admin.git.repositories.disk import Disk
from wit_admin.log import fields
from wit_admin.services.audit.trail import Origin
from wit_admin.services.pushes import records
from wit_admin.services.pushes.ref_updates import RefUpdate, tell_forced

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of one pass over the journal."""

    settled: int
    left: int
    """Pushes left alone because their git child still runs although its server is dead."""


def replay_journal(
    sessions: sessionmaker[Session],
    disk: Disk,
    *,
    host: str,
    is_orphan: Callable[[queries.PendingPush], bool],
) -> Replayed:
    """Settle the pending pushes of ``host`` whose server is dead; calling it again is harmless.

    A git child can outlive its server; then its push is left alone until the child ends.
    """
    with sessions() as session:
        pending = queries.list_pending(session, host=host)
    orphans = [entry for entry in pending if is_orphan(entry)]
    # This comes after the servers were found dead, so none of them can start another child.
    running = live_push_ids() if orphans else set()
    ended = [entry for entry in orphans if str(entry.push_id) not in running]
    settled = sum(_settle(sessions, disk, entry) for entry in ended)
    return Replayed(settled, left=len(orphans) - len(ended))


def _settle(
    sessions: sessionmaker[Session],
    disk: Disk,
    entry: queries.PendingPush,
) -> bool:
    found = storage.resolve(disk.root, entry.disk_path)
    accepted = []
    branch = None
    if found is not None:
        try:
            disk.inspector.check(found.gitdir)
            disk.inspector.check_refs(found.gitdir, [command["ref"] for command in entry.commands])
        except ConflictError as error:
            log.warning(
                "A push in the journal was left unsettled.",
                extra=fields(push=entry.push_id, reason=error.message),
            )
            return False
        sweep.sweep(found.gitdir, [command["ref"] for command in entry.commands])
        updates = [RefUpdate(c["ref"], c["old"], c["new"]) for c in entry.commands]
        accepted = [
            update for update in updates if _is_accepted(sessions, found.gitdir, entry, update)
        ]
        accepted = tell_forced(disk.ancestry, found.gitdir, accepted)
        branch = read_head(found.gitdir)
    done = records.settle_push(
        sessions, _entry(sessions, entry), accepted, default_branch=branch, at=entry.created_at
    )
    if not accepted and found is not None:
        records.take_back(sessions, entry.repo_id, found.gitdir)
    return done


def _entry(sessions: sessionmaker[Session], entry: queries.PendingPush) -> records.JournalEntry:
    """Return the journal entry of a push; the client's address was lost with its server."""
    with sessions() as session:
        name = repositories.find_name(session, entry.repo_id)
        user = None if entry.actor_id is None else users.find_user(session, entry.actor_id)
        by = Origin(
            AuditOrigin.HTTP,
            actor_id=entry.actor_id,
            actor_name=user.name if user else None,
            token_id=entry.token_id,
            request_id=entry.request_id,
        )
    repository = str(name or entry.disk_path)
    return records.JournalEntry(entry.push_id, entry.repo_id, repository, by)


def _is_accepted(
    sessions: sessionmaker[Session],
    gitdir: Path,
    entry: queries.PendingPush,
    update: RefUpdate,
) -> bool:
    """Decide by the reflog; if it has no entry, by the ref's value and by later pushes."""
    proof = was_accepted(gitdir, update.ref, str(entry.push_id))
    if proof is not None:
        return proof
    with sessions() as session:
        since = queries.list_ref_updates(session, entry.repo_id, update.ref, since=entry.created_at)
        last = queries.find_last_value(session, entry.repo_id, update.ref)
    if (update.before, update.after) in since or last == update.after:
        # Another push made this update, for example when a client sent it twice.
        return False
    if any(before == update.after for before, _ in since):
        return True
    zero = "0" * len(update.after)
    return (read_ref(gitdir, update.ref) or zero) == update.after and not since
