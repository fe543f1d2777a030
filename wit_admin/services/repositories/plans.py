"""Plans of the commands that delete, transfer or purge repositories."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import repositories, trash
from wit_admin.db.queries.trash import TrashedRow
from wit_admin.errors import ConflictError
from wit_admin.names import RepoName
from wit_admin.services.audit.trail import SYSTEM, Origin
from wit_admin.services.locks import Lock
from wit_admin.services.lookups import get_owner, get_repository_id, was_renamed
from wit_admin.services.plans import Action, Plan, Remark, Task
from wit_admin.services.repositories.actions import Delete, Transfer
from wit_admin.services.repositories.moves import transfer_repository
from wit_admin.services.repositories.trash import (
    discard,
    list_remains,
    list_trash,
    not_in_trash,
    purge,
)


@dataclass(frozen=True, slots=True)
class Purge(Action):
    """Remove a deleted repository for good."""

    row: TrashedRow
    kind = "purge"
    is_destructive = True

    @property
    def target(self) -> str:
        """Owner and name."""
        return f"{self.row.owner}/{self.row.name}"

    @property
    def sentence(self) -> str:
        """Since when it has been in the trash."""
        return f"It was deleted on {self.row.deleted_at:%Y-%m-%d} and will be gone for good."


@dataclass(frozen=True, slots=True)
class Sweep(Action):
    """Remove a folder that a killed purge left on disk."""

    folder: Path
    kind = "sweep"

    @property
    def target(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def sentence(self) -> str:
        """Why the folder is there."""
        return "It was removed for good before; the rest of its files goes too."


@dataclass(frozen=True, slots=True)
class RepositoryPlans:
    """Creates the tasks of these commands; each task has its own lock."""

    sessions: sessionmaker[Session]
    root: Path
    run_dir: Path
    by: Origin = SYSTEM

    def deletion(self, names: Sequence[RepoName]) -> Task[Delete]:
        """Return the task to move repositories to the trash; those in it already are skipped.

        Building its plan raises ``NotFoundError`` if one of them has never existed.
        """

        def build() -> Plan[Delete]:
            actions, remarks = dict[uuid.UUID, Delete](), list[Remark]()
            with self.sessions() as session:
                for name in names:
                    repo_id = repositories.find_repository_id(session, name)
                    if repo_id is None and trash.find_trashed(session, name) is not None:
                        remarks.append(Remark("done", str(name), "It is in the trash already."))
                        continue
                    repo_id = get_repository_id(session, name)
                    actions[repo_id] = Delete(repo_id, name)
            return Plan(tuple(actions.values()), tuple(remarks))

        def perform(action: Delete) -> None:
            discard(self.sessions, self.root, action.repo_id, by=self.by)

        return Task(build, perform, self._lock("repo-delete"))

    def transfer(self, name: RepoName, new_owner: str) -> Task[Transfer]:
        """Return the task to transfer a repository.

        Building its plan raises ``NotFoundError`` if there is no such repository or owner, and
        ``ConflictError`` if the owner has another repository of that name.
        """

        def build() -> Plan[Transfer]:
            with self.sessions() as session:
                new = RepoName(get_owner(session, new_owner).name, name.name)
                if was_renamed(session, name, new):
                    return Plan(remarks=(Remark("done", str(name), f"It is {new} already."),))
                repo_id = get_repository_id(session, name)
                if repositories.find_repository_id(session, new) is not None:
                    raise ConflictError(f"There is a repository {new} already.")
            return Plan((Transfer(repo_id, name, new.owner),))

        def perform(action: Transfer) -> None:
            transfer_repository(
                self.sessions, self.root, action.repo_id, action.new_owner, by=self.by
            )

        return Task(build, perform, self._lock("repo-transfer"))

    def emptying(
        self, *, names: Sequence[RepoName] = (), older_than: timedelta | None = None
    ) -> Task[Purge | Sweep]:
        """Return the task to purge what has been in the trash for ``older_than``.

        With ``names`` it purges only what was deleted under one of these; building its plan raises
        ``NotFoundError`` if there is nothing of that name.
        """

        def build() -> Plan[Purge | Sweep]:
            rows = list_trash(self.sessions, older_than=older_than)
            if not names:
                remains = list_remains(self.sessions, self.root)
                return Plan((*map(Purge, rows), *map(Sweep, remains)))
            with self.sessions() as session:
                for name in names:
                    if trash.find_trashed(session, name) is None:
                        raise not_in_trash(name)
            wanted = {name.key for name in names}
            return Plan(
                tuple(Purge(row) for row in rows if RepoName(row.owner, row.name).key in wanted)
            )

        def perform(action: Purge | Sweep) -> None:
            if isinstance(action, Purge):
                purge(self.sessions, self.root, action.row, by=self.by)
            else:
                shutil.rmtree(action.folder, ignore_errors=True)

        return Task(build, perform, self._lock("repo-trash-empty"))

    def _lock(self, name: str) -> Lock:
        return Lock(self.sessions, self.run_dir, name)
