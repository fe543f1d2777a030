"""Two-way reconciliation of the repository root and the database.

Disk first, as everywhere: a repository says who it is before its row is made, so that a run that
was killed is taken up by the next.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import reconcile, repositories, trash
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.git import marks, storage
from wit_admin.git.marks import Mark
from wit_admin.names import RepoName, name_key
from wit_admin.services.audit import SYSTEM, Event, Origin, record
from wit_admin.services.locks import Lock
from wit_admin.services.plans import Plan, Remark, Task
from wit_admin.services.root_marker import RootMarker
from wit_admin.services.sync_actions import (
    AUDITED,
    AddOwner,
    Adopt,
    FinishDeletion,
    Move,
    Prune,
    Refresh,
    Revive,
    RowAction,
    SyncAction,
    Tell,
    told_by,
)
from wit_admin.services.sync_plan import Comparison, missing_owners
from wit_admin.services.trash import TRASH


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What a sync is asked to do."""

    visibility: Visibility
    """Of repositories that do not say it themselves."""
    owner: str | None = None
    """The one folder to look into."""
    prune: bool = False
    """Mark rows as deleted whose folders are gone."""
    max_prune_percent: float = 10.0
    """More than this share of all rows is taken for a fault of the disk."""
    verify: bool = False
    """Look into every repository, whatever its fingerprint says."""
    accept_root: bool = False
    """The root is another volume than before, on purpose."""


@dataclass(frozen=True, slots=True)
class RepoSync:
    """One reconciliation."""

    sessions: sessionmaker[Session]
    root: Path
    options: SyncOptions
    by: Origin = SYSTEM

    def task(self, run_dir: Path) -> Task[SyncAction]:
        """Return the work, for others to show, ask about and apply."""
        lock = Lock(self.sessions, run_dir, "sync-repos")
        return Task(self.build, self.perform, lock, self.perform_many)

    def build(self) -> Plan[SyncAction]:
        """Compare the disk with the database.

        Raises:
            ConflictError: The root is missing while there are rows, or it does not look as if
                so many rows should be pruned.
        """
        with self.sessions() as session:
            live = reconcile.count_live(session)
        if not self.root.is_dir():
            if live:
                raise ConflictError(
                    f"There is no folder {self.root}, and the database knows {live} repositories.",
                    hint="Mount it, or set repositories_root.",
                )
            return Plan()
        comparison = Comparison(
            self.sessions,
            self.root,
            self.options.owner,
            self.options.visibility,
            self.options.verify,
        )
        comparison.run()
        marker = RootMarker(self.sessions, self.root)
        is_stranger = marker.is_stranger() and not self.options.accept_root
        if self.options.prune:
            self._guard(comparison, live, is_stranger=is_stranger)
            comparison.actions += map(Prune, comparison.gone)
        else:
            comparison.remarks += [_missing(row.disk_path) for row in comparison.gone]
        if is_stranger:
            comparison.remarks.append(
                Remark("root", os.fspath(self.root), "It is not the volume that was synced before.")
            )
        owners = missing_owners(self.sessions, comparison.actions)

        def finish() -> None:
            if comparison.seen:
                with self.sessions.begin() as session:
                    reconcile.store_fingerprints(session, comparison.seen)
            if not is_stranger:
                marker.establish()

        return Plan((*owners, *comparison.actions), tuple(comparison.remarks), finish)

    def perform(self, action: SyncAction) -> None:
        """Do one thing, if it is still to be done.

        Raises:
            ConflictError: It cannot be done; the sentence says why.
        """
        match action:
            case Move():
                self._move(action)
            case Revive():
                self._revive(action)
            case FinishDeletion() | Prune():
                self._hide(action)
            case _:
                self.perform_many([action])

    def perform_many(self, actions: Sequence[SyncAction]) -> None:
        """Do things of one kind, all in one transaction where that is much quicker.

        Raises:
            ConflictError: One of them cannot be done.
        """
        match actions[0]:
            case AddOwner():
                self._add_owners(
                    [action.name for action in actions if isinstance(action, AddOwner)]
                )
            case Adopt():
                self._adopt([action for action in actions if isinstance(action, Adopt)])
            case Refresh():
                self._refresh([action for action in actions if isinstance(action, Refresh)])
            case Tell():
                told = [action for action in actions if isinstance(action, Tell)]
                self._mark([(action.row.disk_path, action.values) for action in told])
            case _:
                for action in actions:
                    self.perform(action)

    def _guard(self, comparison: Comparison, live: int, *, is_stranger: bool) -> None:
        """Refuse to prune when the disk looks wrong rather than the rows."""
        gone = len(comparison.gone)
        if not gone:
            return
        if is_stranger:
            raise ConflictError(
                f"{self.root} is not the volume that was synced before; nothing was pruned.",
                hint="If it is meant to be another one, add --accept-root.",
            )
        if not comparison.found and self.options.owner is None:
            raise ConflictError(
                f"{self.root} holds no repository at all; nothing was pruned.",
                hint="Is it mounted?",
            )
        if gone * 100 > live * self.options.max_prune_percent:
            raise ConflictError(
                f"{gone} of {live} repositories are gone from the disk, which is more than "
                f"{self.options.max_prune_percent:g} %; nothing was pruned.",
                hint="Look at them without --prune, and raise --max-prune if all is well.",
            )

    def _add_owners(self, names: Sequence[str]) -> None:
        with self.sessions.begin() as session:
            owners = {new_id(): name for name in names}
            made = reconcile.insert_placeholders(session, owners, utc_now())
            if made:
                told = {"users": [owners[owner_id] for owner_id in made]}
                record(session, Event("user.adopt", "user", after=told), by=self.by)

    def _adopt(self, actions: Sequence[Adopt]) -> None:
        places = [action.new.disk_path for action in actions]
        with self.sessions() as session:
            # A push may have made the row meanwhile, with an id of its own.
            taken = {row.disk_path for row in reconcile.list_at(session, places)}
        mine = [action for action in actions if action.new.disk_path not in taken]
        self._mark([(action.new.disk_path, action.mark) for action in mine if action.mark])
        for action in mine:
            marks.clear_left(f"{self.root}/{action.new.disk_path}")
        if not mine:
            return
        with self.sessions.begin() as session:
            reconcile.insert_adopted(session, [action.new for action in mine], utc_now())
            told = {"repositories": [action.target for action in mine]}
            record(session, Event("repository.adopt", "repository", after=told), by=self.by)

    def _refresh(self, actions: Sequence[Refresh]) -> None:
        now = utc_now()
        with self.sessions.begin() as session:
            for action in actions:
                values = {**action.values, "fingerprint": action.fingerprint}
                reconcile.update_seen(session, action.row.id, values, now)
            for action in actions:
                if changed := {key: action.values[key] for key in AUDITED if key in action.values}:
                    before = {key: getattr(action.row, key) for key in changed}
                    self._record(
                        session, "repository.refresh", action, before=before, after=changed
                    )

    def _move(self, action: Move) -> None:
        row, name = action.row, action.new_name
        target = name or RepoName(row.owner, row.name)
        told = told_by(row.id, target.owner, target.name, row.visibility.value, row.description)
        self._mark([(action.disk_path, told)])
        before, after = {"disk_path": row.disk_path}, {"disk_path": action.disk_path}
        try:
            with self.sessions.begin() as session:
                if not reconcile.set_place(session, row.id, action.disk_path, utc_now()):
                    return
                self._record(session, "repository.move", action, before=before, after=after)
        except IntegrityError as error:
            raise ConflictError(f"{action.disk_path} belongs to another by now.") from error
        if name is not None:
            self._rename(action, name)

    def _rename(self, action: Move, name: RepoName) -> None:
        # On its own: where the name is taken, the repository is found again all the same.
        before, after = {"name": action.target}, {"name": str(name)}
        with self.sessions.begin() as session:
            owners = reconcile.list_owners(session, [name_key(name.owner)])
            if not owners:
                raise NotFoundError(f"There is no owner {name.owner!r}.")
            [(owner_id, _)] = owners.values()
            repositories.rename_repository(
                session, action.row.id, name.name, owner_id=owner_id, now=utc_now()
            )
            self._record(session, "repository.rename", action, before=before, after=after)

    def _revive(self, action: Revive) -> None:
        row = action.row
        with self.sessions.begin() as session:
            trash.restore_repository(
                session, row.id, name=row.name, disk_path=action.disk_path, now=utc_now()
            )
            self._record(session, "repository.restore", action)

    def _hide(self, action: FinishDeletion | Prune) -> None:
        row = action.row
        if isinstance(action, Prune) and storage.resolve(self.root, row.disk_path) is not None:
            return
        with self.sessions.begin() as session:
            try:
                repositories.delete_repository(
                    session, row.id, trash_path=f"{TRASH}/{row.id}", now=utc_now()
                )
            except NotFoundError:
                return
            self._record(session, f"repository.{action.kind}", action)

    def _mark(self, wanted: Sequence[tuple[str, Any]]) -> None:
        failures = marks.write_marks([Mark(f"{self.root}/{path}", told) for path, told in wanted])
        if failures:
            raise ConflictError(next(iter(failures.values())))

    def _record(
        self, session: Session, what: str, action: RowAction, **fields: dict[str, Any]
    ) -> None:
        event = Event(what, "repository", action.row.id, action.target, **fields)
        record(session, event, by=self.by)


def _missing(disk_path: str) -> Remark:
    return Remark("missing", disk_path, "Its folder is gone; --prune marks its row as deleted.")
