"""Carries out the actions of a sync. Each one first checks whether it is still needed.

The disk comes first, as everywhere: the id is written into a repository's config before the row is
inserted, so the next run can continue after a run that was killed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.queries import adoption, reconcile, repositories, trash
from wit_admin.db.queries.adoption import AdoptedRepository
from wit_admin.db.queries.reconcile import KnownRepository
from wit_admin.errors import ConflictError, NotFoundError, UnavailableError
from wit_admin.git.files.writes import sync_all
from wit_admin.git.repositories import own_config, storage
from wit_admin.names import name_key
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.repositories.trash import TRASH
from wit_admin.services.sync.actions import (
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


@dataclass(frozen=True, slots=True)
class SyncWork:
    """Carries out each kind of action, many of one kind in one transaction."""

    sessions: sessionmaker[Session]
    root: Path
    by: Origin = SYSTEM

    def perform(self, action: SyncAction) -> None:
        """Carry out one action, if it is still needed.

        Raises:
            ConflictError: It is impossible; the message says why.
        """
        match action:
            case Revive():
                self._revive(action)
            case FinishDeletion() | Prune():
                self._hide(action)
            case _:
                self.perform_many([action])

    def perform_many(self, actions: Sequence[SyncAction]) -> None:
        """Carry out actions of one kind.

        Raises:
            ConflictError: One of them is impossible; others may have been carried out.
        """
        in_one_go: dict[type[SyncAction], Callable[[Sequence[Any]], None]] = {
            AddOwner: self._add_owners,
            Adopt: self._adopt,
            Refresh: self._refresh,
            Tell: self._tell,
            Move: self._move,
        }
        if do := in_one_go.get(type(actions[0])):
            do(actions)
            return
        for action in actions:
            self.perform(action)

    def _add_owners(self, actions: Sequence[AddOwner]) -> None:
        with self.sessions.begin() as session:
            owners = {new_id(): (action.name, action.owner_type) for action in actions}
            made = adoption.insert_placeholders(session, owners, utc_now())
            if made:
                self._record_owners(session, [owners[owner_id] for owner_id in made])

    def _record_owners(self, session: Session, made: Sequence[tuple[str, OwnerType]]) -> None:
        for kind in OwnerType:
            if names := [name for name, its_kind in made if its_kind is kind]:
                told = {f"{kind.value}s": names}
                record(session, Event(f"{kind.value}.adopt", kind.value, after=told), by=self.by)

    def _adopt(self, actions: Sequence[Adopt]) -> None:
        unmarked = [action for action in actions if not action.is_marked]
        failures = self._mark({action.new.disk_path: told_by(action.new) for action in unmarked})
        there = [action.new for action in actions if action.new.disk_path not in failures]
        if there:
            self._insert(there)
        _raise_first(failures)

    def _insert(self, repositories: Sequence[AdoptedRepository]) -> None:
        with self.sessions.begin() as session:
            made, left = adoption.insert_adopted(session, repositories, utc_now())
            if made:
                told = {"repositories": [f"{new.owner}/{new.name}" for new in made]}
                record(session, Event("repository.adopt", "repository", after=told), by=self.by)
        if left:
            # A push inserted the row meanwhile, with another id.
            paths = {new.disk_path for new in left}
            with self.sessions() as session:
                rows = list(reconcile.list_at(session, sorted(paths)))
            self._mark({row.disk_path: told_by(row) for row in rows})
            for path in paths - {row.disk_path for row in rows}:
                raise ConflictError(f"The name of {path} was taken meanwhile.")

    def _refresh(self, actions: Sequence[Refresh]) -> None:
        seen = [
            (action.row, {**action.values, "fingerprint": action.fingerprint}) for action in actions
        ]
        with self.sessions.begin() as session:
            if reconcile.update_seen(session, seen, utc_now()) < len(actions):
                if len(actions) == 1:
                    return  # it was changed meanwhile; the next run looks again
                raise ConflictError("One of the rows was changed meanwhile.")
            for action in actions:
                if changed := {key: action.values[key] for key in AUDITED if key in action.values}:
                    before = {key: getattr(action.row, key) for key in changed}
                    self._record(
                        session, "repository.refresh", action, before=before, after=changed
                    )

    def _tell(self, actions: Sequence[Tell]) -> None:
        fingerprints = {action.row.id: action.fingerprint for action in actions}
        with self.sessions() as session:
            rows = list(reconcile.list_by_id(session, list(fingerprints)))
        live = [row for row in rows if row.deleted_at is None]
        failures = self._mark({row.disk_path: told_by(row) for row in live})
        seen = [(row, fingerprints[row.id]) for row in live if row.disk_path not in failures]
        with self.sessions.begin() as session:
            reconcile.store_fingerprints(session, seen)
        _raise_first(failures)

    def _move(self, actions: Sequence[Move]) -> None:
        """Follow moved folders, all in one transaction: they may have swapped their places."""
        places = {action.row.id: action.disk_path for action in actions}
        failure = None
        try:
            with self.sessions.begin() as session:
                before = {row.id: row for row in reconcile.list_by_id(session, list(places))}
                reconcile.set_places(session, places, utc_now())
                for action in actions:
                    try:
                        self._rename(session, action)
                    except (ConflictError, NotFoundError) as error:
                        # The name is taken, but the row still follows the folder.
                        failure = error
                after = {row.id: row for row in reconcile.list_by_id(session, list(places))}
                for action in actions:
                    row = after.get(action.row.id)
                    if row is None:
                        failure = _purged(action)
                    # After a failure of another one it is carried out again.
                    elif (was := _placed(before[row.id])) != (is_now := _placed(row)):
                        self._record(session, "repository.move", action, before=was, after=is_now)
        except IntegrityError as error:
            raise ConflictError("Its place belongs to another by now.") from error
        failures = self._mark({row.disk_path: told_by(row) for row in after.values()})
        if failure is not None:
            raise failure
        _raise_first(failures)

    def _rename(self, session: Session, action: Move) -> None:
        name = action.new_name
        if name is None:
            return
        owners = reconcile.list_owners(session, [name_key(name.owner)])
        if not owners:
            raise NotFoundError(f"There is no owner {name.owner!r}.")
        [(owner_id, _)] = owners.values()
        repositories.rename_repository(
            session, action.row.id, name.name, owner_id=owner_id, now=utc_now()
        )

    def _revive(self, action: Revive) -> None:
        row = action.row
        with storage.one_at_a_time(self.root / TRASH), self.sessions.begin() as session:
            now = next(reconcile.list_by_id(session, [row.id]), None)
            if now is None:
                raise _purged(action)
            if now.deleted_at is None:
                return
            trash.restore_repository(
                session, row.id, name=row.name, disk_path=action.disk_path, now=utc_now()
            )
            self._record(session, "repository.restore", action)

    def _hide(self, action: FinishDeletion | Prune) -> None:
        row = action.row
        with storage.one_at_a_time(self.root / TRASH):
            if os.path.lexists(self.root / row.disk_path):
                return
            with self.sessions.begin() as session:
                try:
                    repositories.delete_repository(
                        session, row.id, trash_path=f"{TRASH}/{row.id}", now=utc_now()
                    )
                except NotFoundError:
                    return
                self._record(session, f"repository.{action.kind}", action)

    def _mark(self, wanted: Mapping[str, Mapping[str, str | None]]) -> dict[str, str]:
        """Write the configs of repositories; return the reasons of failures by path."""
        failures: dict[str, str] = {}
        root = os.fspath(self.root)
        for path, told in wanted.items():
            try:
                own_config.add_own(f"{root}/{path}", told)
            except OSError as error:
                failures[path] = f"Its config cannot be written: {error.strerror}."
            except (ConflictError, UnavailableError) as error:
                failures[path] = error.message
        if wanted:
            sync_all(self.root)
        return failures

    def _record(
        self, session: Session, what: str, action: RowAction, **fields: dict[str, Any]
    ) -> None:
        event = Event(what, "repository", action.row.id, action.target, **fields)
        record(session, event, by=self.by)


def _placed(row: KnownRepository) -> dict[str, str]:
    return {"name": f"{row.owner}/{row.name}", "disk_path": row.disk_path}


def _purged(action: RowAction) -> NotFoundError:
    return NotFoundError(f"{action.target} was purged from the trash meanwhile.")


def _raise_first(failures: Mapping[str, str]) -> None:
    for reason in failures.values():
        raise ConflictError(reason)
