"""Makes the repository root and the database agree, in both directions.

If a repository has a row, the row decides; if not, the copy of its values in its config does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import reconcile
from wit_admin.db.statements import count_anew, forget_pages
from wit_admin.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from wit_admin.names import name_key
from wit_admin.services.audit.trail import SYSTEM, Origin
from wit_admin.services.locks import Lock
from wit_admin.services.plans import Plan, Remark, Task
from wit_admin.services.repositories.root_marker import RootMarker, other_volume
from wit_admin.services.sync.actions import ORDER, Adopt, Prune, SyncAction
from wit_admin.services.sync.survey import Part, Survey, SyncOptions
from wit_admin.services.sync.work import SyncWork

_RANK = {kind: rank for rank, kind in enumerate(ORDER)}
MANY_NEW = 1000
"""After so many new rows the database's statistics are updated, so that its query plans fit."""


@dataclass(frozen=True, slots=True)
class RepoSync:
    """One run of ``sync-repos``; ``survey`` plans it and ``work`` carries it out."""

    sessions: sessionmaker[Session]
    root: Path
    options: SyncOptions
    by: Origin = SYSTEM

    def task(self, run_dir: Path) -> Task[SyncAction]:
        """Return the task, which callers can show, confirm and apply."""
        lock = Lock(self.sessions, run_dir, "sync-repos")
        work = SyncWork(self.sessions, self.root, self.by)
        return Task(self.build, work.perform, lock, work.perform_many)

    def build(self) -> Plan[SyncAction]:
        """Compare the disk with the database.

        Raises:
            ConflictError: The root is missing although there are rows, or is another one than last
                time, or too many rows would be pruned.
            UnavailableError: The root cannot be read.
            InvalidInputError: Pruning was asked for with a single owner: a folder that is missing
                there may have been moved to another owner.
            NotFoundError: Neither disk nor database knows that owner.
        """
        if self.options.prune and self.options.owner is not None:
            raise InvalidInputError(
                "What is gone from one folder may stand in another, so all must be looked at.",
                hint="Use --prune without --owner.",
            )
        if not self.root.is_dir():
            if live := self._count_live():
                raise ConflictError(
                    f"There is no folder {self.root}, and the database knows {live} repositories.",
                    hint="Mount it, or set repositories_root.",
                )
            return Plan()
        marker = RootMarker(self.sessions, self.root)
        if marker.is_stranger() and not self.options.accept_root:
            raise other_volume()
        if self.options.owner is not None:
            self._check_owner(self.options.owner)
        survey = Survey(self.sessions, self.root, self.options)
        return self._plan(survey, survey.parts(), marker)

    def _check_owner(self, name: str) -> None:
        with self.sessions() as session:
            if reconcile.list_owners(session, [name_key(name)]):
                return
        if name.lower() not in (folder.name.lower() for folder in self.root.iterdir()):
            raise NotFoundError(f"There is neither an owner {name!r} nor a folder of that name.")

    def _plan(
        self, survey: Survey, parts: Iterator[Part], marker: RootMarker, *, adopted: int = 0
    ) -> Plan[SyncAction]:
        """Plan the next part; ``adopted`` counts the rows inserted in earlier parts."""
        try:
            part = next(parts)
        except OSError as error:
            raise UnavailableError(f"{self.root} cannot be read: {error.strerror}.") from error
        if part.gone and self.options.prune:
            self._guard(len(part.gone), found=survey.found)
            part.actions += map(Prune, part.gone)
        else:
            part.remarks += [_missing(row.disk_path) for row in part.gone]
        adopted += sum(isinstance(action, Adopt) for action in part.actions)
        actions = sorted(part.actions, key=lambda action: _RANK[type(action)])

        def finish() -> None:
            if part.seen:
                with self.sessions.begin() as session:
                    reconcile.store_fingerprints(session, part.seen)
            with self.sessions() as session:
                forget_pages(session)
            if part.is_last:
                marker.establish()
                if adopted >= MANY_NEW:
                    with self.sessions.begin() as session:
                        count_anew(session, Owner, Repository)

        rest = None
        if not part.is_last:
            rest = partial(self._plan, survey, parts, marker, adopted=adopted)
        return Plan(tuple(actions), tuple(part.remarks), finish, rest)

    def _count_live(self) -> int:
        with self.sessions() as session:
            return reconcile.count_live(session)

    def _guard(self, gone: int, *, found: int) -> None:
        """Refuse to prune if the disk is more likely at fault than the rows."""
        if not found:
            raise ConflictError(
                f"{self.root} holds no repository at all; nothing was pruned.",
                hint="Is it mounted?",
            )
        live = self._count_live()
        allowed = live * self.options.max_prune_percent / 100
        if not gone <= allowed:  # this is also false for NaN
            raise ConflictError(
                f"{gone} of {live} repositories are gone from the disk, which is more than "
                f"{self.options.max_prune_percent:g} %; nothing was pruned.",
                hint="Look at them without --prune, and raise --max-prune if all is well.",
            )


def _missing(disk_path: str) -> Remark:
    return Remark("missing", disk_path, "Its folder is gone; --prune marks its row as deleted.")
