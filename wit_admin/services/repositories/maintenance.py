"""Repository maintenance (gc and statistics), one process at a time on each repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import maintenance as queries
from wit_admin.db.queries.maintenance import LiveRepository
from wit_admin.errors import ConflictError
from wit_admin.git.children.limited_child import ChildLimits
from wit_admin.git.children.tools import GitTools
from wit_admin.git.repositories import statistics, storage
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.git.repositories.maintenance import Packer, find_disorder
from wit_admin.git.repositories.statistics import Statistics
from wit_admin.git.repositories.summary import size_of_objects
from wit_admin.names import RepoName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.locks import Lock
from wit_admin.services.lookups import get_repository_id
from wit_admin.services.plans import Action, Plan, Remark, Task

_TIMEOUT_S = 6 * 3600.0
_NICE = 10


@dataclass(frozen=True, slots=True)
class Pack(Action):
    """Pack the objects and refs of a repository."""

    repository: LiveRepository
    reasons: tuple[str, ...]
    kind = "gc"

    @property
    def target(self) -> str:
        """Owner and name."""
        return f"{self.repository.owner}/{self.repository.name}"

    @property
    def sentence(self) -> str:
        """Why the repository needs it."""
        return f"It has {', '.join(self.reasons)}."


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Packs repositories and counts their contents."""

    sessions: sessionmaker[Session]
    root: Path
    run_dir: Path
    tools: GitTools
    inspector: Inspector
    by: Origin = SYSTEM

    def count(self, name: RepoName, *, largest: int = 0) -> Statistics:
        """Return the statistics of a repository, with this number of its ``largest`` blobs.

        Raises:
            NotFoundError: There is no such repository.
            ConflictError: It is not on disk, or git may not open it.
        """
        self.tools.require_git()
        with self.sessions() as session:
            repo_id = get_repository_id(session, name)
            found = next(queries.iter_repositories(session, [repo_id]))
        return statistics.count(self.tools, self._open(found), largest=largest)

    def task(self, names: Sequence[RepoName] | None = None, *, full: bool = False) -> Task[Pack]:
        """Return the task to pack these repositories, or all; with ``full`` also what is packed.

        Building its plan raises ``NotFoundError`` if one of them does not exist.
        """
        self.tools.require_git()

        def build() -> Plan[Pack]:
            actions, remarks = list[Pack](), list[Remark]()
            for repository in self._list(names):
                try:
                    reasons = self._reasons(repository, full=full)
                except ConflictError as error:
                    target = f"{repository.owner}/{repository.name}"
                    # If all were asked for, skip those that cannot be packed.
                    failed = names is not None
                    remarks.append(Remark("unusable", target, error.message, is_failure=failed))
                    continue
                if reasons:
                    actions.append(Pack(repository, reasons))
            return Plan(tuple(actions), tuple(remarks))

        lock = Lock(self.sessions, self.run_dir, "repo-gc" if names else "repo-gc-all")
        return Task(build, lambda action: self._pack(action, full=full), lock)

    def _list(self, names: Sequence[RepoName] | None) -> Iterator[LiveRepository]:
        with self.sessions() as session:
            chosen = None if names is None else [get_repository_id(session, n) for n in names]
            # Read all rows now, so that no transaction is open while folders are read.
            return iter(list(queries.iter_repositories(session, chosen)))

    def _reasons(self, repository: LiveRepository, *, full: bool) -> tuple[str, ...]:
        gitdir = self._open(repository)
        return ("to be packed as a whole",) if full else find_disorder(gitdir)

    def _pack(self, action: Pack, *, full: bool) -> None:
        repository = action.repository
        with Lock(self.sessions, self.run_dir, f"gc.{repository.id}").hold():
            gitdir = self._open(repository)
            if not full and not find_disorder(gitdir):
                return
            before = size_of_objects(f"{gitdir}/objects")
            limits = ChildLimits(_TIMEOUT_S, self.tools.memory_bytes, nice=_NICE)
            packer = Packer(self.tools, limits)
            # Forks may borrow its objects, so objects that its own refs do not need must stay.
            packer.run(gitdir, full=full, keeps_all=repository.forks_count > 0)
            after = size_of_objects(f"{gitdir}/objects")
        with self.sessions.begin() as session:
            queries.store_size(session, repository.id, after)
            was, now_is = {"size_bytes": before}, {"size_bytes": after}
            event = Event("repository.gc", "repository", repository.id, action.target, was, now_is)
            record(session, event, by=self.by)

    def _open(self, repository: LiveRepository) -> Path:
        found = storage.resolve(self.root, repository.disk_path)
        if found is None:
            raise ConflictError(f"{repository.owner}/{repository.name} is not on disk.")
        self.inspector.check(found.gitdir)
        return found.gitdir
