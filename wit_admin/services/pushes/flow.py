"""Carries out a push once it is authorized: creates the repository, journals, records."""

from __future__ import annotations

import logging
import socket
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.repositories import Visibility
from wit_admin.errors import ConflictError, UnavailableError
from wit_admin.git.children.environment import PUSH_ID_HOST
from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.pushes.guard import PushGuard
from wit_admin.git.pushes.report import PushReport
from wit_admin.git.repositories import storage, sweep
from wit_admin.git.repositories.disk import Disk, changing_the_disk
from wit_admin.log import fields
from wit_admin.services.access.actors import Client
from wit_admin.services.access.targets import Creatable, Served
from wit_admin.services.audit.trail import Origin, http_origin
from wit_admin.services.pushes import records
from wit_admin.services.pushes.creation import PushCreation, object_format_of
from wit_admin.services.pushes.guards import guard_push
from wit_admin.services.pushes.heads import pointing_head
from wit_admin.services.pushes.index import PushIndex
from wit_admin.services.pushes.journal import Replayed, replay_journal
from wit_admin.services.pushes.ref_updates import (
    RefUpdate,
    check_deletions,
    list_accepted,
    tell_forced,
    update_of,
)
from wit_admin.services.servers import Enrolment

log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 0.05
_UNKNOWN = Client()


@dataclass(frozen=True, slots=True)
class PushTicket:
    """A journalled push that git may carry out; :meth:`PushFlow.settle` takes it afterwards."""

    gitdir: Path
    username: str | None
    entry: records.JournalEntry | None
    commands: tuple[RefUpdate, ...]
    guard: PushGuard | None = None
    """Checks the push while git carries it out; ``None`` if it needs no check."""

    def variables(self) -> dict[str, str]:
        """Return the environment variables that put the pusher into git's reflog."""
        name = self.username or "anonymous"
        push_id = self.entry.push_id if self.entry else uuid.UUID(int=0)
        return {
            "REMOTE_USER": name,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": f"{push_id}@{PUSH_ID_HOST}",
        }


class PushFlow:
    """Records pushes and clones in the database; without one it only keeps HEAD right."""

    def __init__(
        self,
        sessions: sessionmaker[Session] | None,
        disk: Disk,
        *,
        visibility: Visibility,
        enrolment: Enrolment,
    ) -> None:
        self._sessions = sessions
        self._disk = disk
        self._creation = PushCreation(sessions, disk, visibility)
        self._servers = enrolment.servers
        self._server_id = enrolment.server_id
        self._host = socket.gethostname()
        self._unrecorded: set[uuid.UUID] = set()
        self.index = PushIndex(sessions, disk)

    def open(
        self,
        target: Served | Creatable,
        request: PushRequest,
        *,
        client: Client = _UNKNOWN,
    ) -> PushTicket:
        """Create the repository if it does not exist, and journal the push.

        Raises:
            RefsRefusedError: The pusher may not make any of these changes.
            ConflictError: A ref to delete has another value, or a ref's path on disk leads out
                of the repository.
            UnavailableError: The journal or a new repository cannot be written, so the push must
                not begin.
        """
        has_git = self._disk.ancestry.tools.program.is_git
        guard = guard_push(self._sessions, target, request, has_git=has_git)
        by = http_origin(target.actor, client)
        ticket = self._open(target, request, by)
        return ticket if guard is None else replace(ticket, guard=guard)

    def _open(self, target: Served | Creatable, request: PushRequest, by: Origin) -> PushTicket:
        commands = tuple(update_of(command) for command in request.commands)
        if not isinstance(target, Creatable):
            check_deletions(target.gitdir, commands)
            return self._journal(target, commands, by, created=False)
        check_deletions(None, commands)
        # The lock keeps a failing push from removing the folder before this one is journalled.
        folder = (self._disk.root / target.name.disk_path).parent
        with changing_the_disk(), storage.one_at_a_time(folder):
            served, created = self._creation.create(target, object_format_of(request), by=by)
            return self._journal(served, commands, by, created=created)

    def _journal(
        self,
        target: Served,
        commands: tuple[RefUpdate, ...],
        by: Origin,
        *,
        created: bool,
    ) -> PushTicket:
        refs = [command.ref for command in commands]
        self._disk.inspector.check_refs(target.gitdir, refs)
        sweep.free_locks(target.gitdir, refs)
        entry = None
        if self._sessions is not None and target.repo_id is not None:
            origin = records.PushOrigin(self._host, self._server_id, str(target.name), by)
            entry = records.journal_push(
                self._sessions, target.repo_id, commands, origin=origin, is_creation=created
            )
        return PushTicket(target.gitdir, by.actor_name, entry, commands)

    def settle(
        self, ticket: PushTicket, report: PushReport, *, is_fast_forward: bool = False
    ) -> int:
        """Record what git accepted, and return the number of accepted refs.

        ``is_fast_forward`` says that no update needs a check for force; a push in process knows
        that. If the database is gone, a later replay records the push.
        """
        if not report.is_complete:
            sweep.sweep(ticket.gitdir, [command.ref for command in ticket.commands])
        push_id = str(ticket.entry.push_id) if ticket.entry else None
        accepted = list_accepted(ticket.gitdir, ticket.commands, report, push_id=push_id)
        if self._sessions is not None and not is_fast_forward:
            accepted = tell_forced(self._disk.ancestry, ticket.gitdir, accepted)
        with pointing_head(ticket.gitdir, accepted) as branch:
            self._record(ticket, accepted, branch)
        return len(accepted)

    def _record(self, ticket: PushTicket, accepted: list[RefUpdate], branch: str | None) -> None:
        if self._sessions is None or ticket.entry is None:
            return
        try:
            records.settle_push(self._sessions, ticket.entry, accepted, default_branch=branch)
            if accepted:
                self.index.add(ticket.entry.repo_id)
            else:
                records.take_back(self._sessions, ticket.entry.repo_id, ticket.gitdir)
        except (UnavailableError, ConflictError) as error:
            # ConflictError means that the audit trail is damaged: an operator has to look first.
            self._unrecorded.add(ticket.entry.push_id)
            log.warning(
                "A push was accepted but cannot be recorded yet.",
                extra=fields(push=ticket.entry.push_id, reason=error.message),
            )

    @property
    def has_unrecorded(self) -> bool:
        """Whether pushes of this process wait for the database to come back."""
        return bool(self._unrecorded)

    def replay(self) -> Replayed:
        """Settle the journalled pushes of dead processes on this host, and our unrecorded ones.

        Raises:
            UnavailableError: The database is gone.
        """
        if self._sessions is None:
            return Replayed(0, 0)
        own = frozenset(self._unrecorded)
        with self._servers.one_at_a_time():
            replayed = replay_journal(
                self._sessions,
                self._disk,
                host=self._host,
                is_orphan=lambda entry: (
                    entry.push_id in own or self._servers.is_dead(entry.server_id)
                ),
            )
            self._servers.forget_the_dead()
        if not replayed.left:
            self._unrecorded -= own
        if replayed.settled:
            self.index.find()
        return replayed

    def replay_all(self, *, patience_s: float) -> int:
        """Replay until nothing is left; wait ``patience_s`` for git children of dead servers."""
        deadline = time.monotonic() + patience_s
        replayed = self.replay()
        settled = replayed.settled
        while replayed.left and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)
            replayed = self.replay()
            settled += replayed.settled
        return settled

    def record_clone(self, repo_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
        """Count one clone. If the database is gone, only the count is lost, not the clone."""
        if self._sessions is None:
            return
        try:
            records.record_clone(self._sessions, repo_id, actor_id)
        except UnavailableError as error:
            log.warning(
                "A clone was not counted.", extra=fields(repository=repo_id, reason=error.message)
            )
