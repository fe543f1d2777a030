"""Writes a push to the journal before git runs, and records it after git's report."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.durability import DURABLE
from wit_admin.db.queries import activities, pushes, repositories
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.errors import ConflictError
from wit_admin.git.repositories import storage
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.pushes.ref_updates import RefUpdate

_MAX_REFS = 50


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A push in the journal, as written before git runs."""

    push_id: uuid.UUID
    repo_id: uuid.UUID
    repository: str
    """Owner and name, for the audit trail."""
    by: Origin = SYSTEM


@dataclass(frozen=True, slots=True)
class PushOrigin:
    """The process that takes a push, the repository's name, and who pushes."""

    host: str
    server_id: str
    repository: str
    by: Origin = SYSTEM


@dataclass(frozen=True, slots=True)
class EnsuredRow:
    """The row of a repository, the path of its folder, and whether the row is new."""

    repo_id: uuid.UUID
    disk_path: str
    is_new: bool


def ensure_repository_row(
    sessions: sessionmaker[Session], new: NewRepository, *, owner: str, by: Origin = SYSTEM
) -> EnsuredRow:
    """Insert the row of a repository that is on disk already, or find the existing row.

    When several processes try it at once, one inserts the row and the others get that one.
    """
    try:
        with sessions.begin() as session:
            made = repositories.create_repository(session, new, now=utc_now())
            fields = {"visibility": new.visibility, "object_format": new.object_format}
            name = f"{owner}/{new.name}"
            record(
                session,
                Event("repository.create", "repository", made.id, name, after=fields),
                by=by,
            )
    except ConflictError:
        with sessions() as session:
            found = repositories.find_place(session, new.owner_id, new.name)
        if found is None:
            raise
        return EnsuredRow(*found, is_new=False)
    return EnsuredRow(made.id, made.disk_path, is_new=True)


def remove_repository_row(sessions: sessionmaker[Session], repo_id: uuid.UUID) -> bool:
    """Delete a row that a push inserted, if no push was accepted and none is under way."""
    with sessions.begin() as session:
        name = repositories.find_name(session, repo_id)
        is_gone = pushes.delete_if_unpushed(session, repo_id, utc_now())
        if is_gone:
            record(session, Event("repository.take_back", "repository", repo_id, str(name)))
        return is_gone


def take_back(sessions: sessionmaker[Session], repo_id: uuid.UUID, gitdir: Path) -> None:
    """Remove a repository that a failed push created: first the row, then the folder."""
    with storage.one_at_a_time(gitdir.parent):
        if storage.is_pristine(gitdir) and remove_repository_row(sessions, repo_id):
            # A folder that cannot be removed (on a full disk, say) is empty: the next push uses it.
            with suppress(OSError):
                storage.remove(gitdir)


def journal_push(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    commands: Sequence[RefUpdate],
    *,
    origin: PushOrigin,
    is_creation: bool,
) -> JournalEntry:
    """Write down what a push will ask of git; it is on disk when this returns.

    Raises:
        ConflictError: The repository was deleted since the caller looked.
    """
    by = origin.by
    entry = JournalEntry(new_id(), repo_id, origin.repository, by)
    try:
        with sessions(info={DURABLE: True}) as session, session.begin():
            pushes.insert_push(
                session,
                id=entry.push_id,
                repo_id=repo_id,
                actor_id=by.actor_id,
                token_id=by.token_id,
                host=origin.host,
                server_id=origin.server_id,
                request_id=by.request_id,
                is_creation=is_creation,
                commands=[{"ref": c.ref, "old": c.before, "new": c.after} for c in commands],
            )
    except IntegrityError as error:
        raise ConflictError("The repository was removed meanwhile.", hint="Push again.") from error
    return entry


def settle_push(
    sessions: sessionmaker[Session],
    entry: JournalEntry,
    accepted: Sequence[RefUpdate],
    *,
    default_branch: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Record what git accepted: an activity per ref, ``pushed_at``, the default branch, an event.

    ``at`` is the time of the push if it is not now: one that is recorded late keeps its place in
    the feed. Everything is in one transaction with the journal entry, so each accepted ref gets
    exactly one activity, whoever tries and however often. Return false if the entry was settled
    before.
    """
    now = utc_now()
    with sessions.begin() as session:
        outcome = {"accepted": [update.ref for update in accepted]}
        if not pushes.mark_settled(session, entry.push_id, outcome, now):
            return False
        activities.insert_activities(
            session,
            [
                {
                    "actor_id": entry.by.actor_id,
                    "repo_id": entry.repo_id,
                    "type": "push",
                    "ref": update.ref,
                    "before": update.before,
                    "after": update.after,
                    "payload": {"kind": update.kind},
                    "push_id": entry.push_id,
                    "created_at": at or now,
                }
                for update in accepted
            ],
        )
        if accepted:
            pushes.touch_repository(
                session, entry.repo_id, pushed_at=at or now, default_branch=default_branch
            )
            record(session, _event(entry, accepted), by=entry.by)
    return True


def _event(entry: JournalEntry, accepted: Sequence[RefUpdate]) -> Event:
    """Return the audit event of a push; it lists the first refs only, the activities list all."""
    updates = [
        {"ref": update.ref, "before": update.before, "after": update.after}
        for update in accepted[:_MAX_REFS]
    ]
    told = {"push": entry.push_id, "refs": len(accepted), "updates": updates}
    return Event("repository.push", "repository", entry.repo_id, entry.repository, after=told)


def record_clone(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, actor_id: uuid.UUID | None
) -> None:
    """Add one to the number of clones of a repository."""
    with sessions.begin() as session:
        activities.insert_activities(
            session, [{"actor_id": actor_id, "repo_id": repo_id, "type": "clone"}]
        )
