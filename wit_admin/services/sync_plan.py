"""Compares the repository root with the database, and plans what makes them agree.

The row decides while there is one, and the copy in the repository's config when there is none.
Reads only: names and fingerprints of everything, and contents of what is new or changed.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.db.queries import reconcile
from wit_admin.db.queries.reconcile import AdoptedRepository, KnownRepository
from wit_admin.errors import InvalidInputError
from wit_admin.git import storage
from wit_admin.git.glance import Glance, glance, newest_ref
from wit_admin.git.walk import Odd, is_settled, walk
from wit_admin.names import RepoName, name_key
from wit_admin.services.plans import Remark
from wit_admin.services.sync_actions import (
    AddOwner,
    Adopt,
    FinishDeletion,
    Move,
    Refresh,
    Revive,
    SyncAction,
    Tell,
    told_by,
)
from wit_admin.services.trash import TRASH

_CLOCKS = timedelta(seconds=2)
"""A push is recorded a moment after git has written its refs."""
_ABSENT = b""
_VISIBILITIES = {kind.value for kind in Visibility}
_FORMATS = {kind.value for kind in ObjectFormat}


@dataclass(slots=True)
class Comparison:
    """What one look at root and database found."""

    sessions: sessionmaker[Session]
    root: Path
    owner: str | None
    visibility: Visibility
    verify: bool
    actions: list[SyncAction] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    seen: list[tuple[uuid.UUID, bytes | None]] = field(default_factory=list)
    """Fingerprints to remember of what is as its row says."""
    gone: list[KnownRepository] = field(default_factory=list)
    """Rows whose folders are nowhere."""
    found: int = 0
    """How many repositories stand below the root."""
    _unreadable: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Look at everything.

        Raises:
            OSError: The root cannot be read.
        """
        with self.sessions() as session:
            stored = reconcile.list_fingerprints(session, self.owner)
        new, changed = self._walk(stored)
        lost = [path for path in stored if self._is_gone(path)]
        glances = dict(self._glance_at([*new, *changed]))
        with self.sessions() as session:
            rows = {row.disk_path: row for row in reconcile.list_at(session, [*changed, *lost])}
            told = {own_id for seen in glances.values() if (own_id := _own_id(seen))}
            by_id = {row.id: row for row in reconcile.list_by_id(session, sorted(told))}
        for path, fingerprint in changed.items():
            if path in glances and path in rows:
                self._compare(rows[path], glances[path], fingerprint, by_id)
        arrivals = {path: glances[path] for path in new if path in glances}
        gone = {row.id: row for path in lost if (row := rows.get(path))}
        self._place(arrivals, new, by_id, gone)
        for row in gone.values():
            if (self.root / TRASH / str(row.id)).exists():
                self.actions.append(FinishDeletion(row))
            else:
                self.gone.append(row)

    def _walk(self, stored: dict[str, bytes | None]) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Return the fingerprints of what is unknown, and of what changed.

        What was met leaves ``stored``.
        """
        new: dict[str, bytes] = {}
        changed: dict[str, bytes] = {}
        for item in walk(os.fspath(self.root), self.owner):
            if isinstance(item, Odd):
                self.remarks.append(Remark(item.kind, item.path, item.sentence, item.is_failure))
                if item.is_failure:
                    self._unreadable.add(item.path)
                continue
            path, fingerprint = item
            self.found += 1
            before = stored.pop(path, _ABSENT)
            if before == _ABSENT:
                new[path] = fingerprint
            elif before != fingerprint or self.verify:
                changed[path] = fingerprint
        return new, changed

    def _is_gone(self, path: str) -> bool:
        return not self._is_hidden(path) and storage.resolve(self.root, path) is None

    def _is_hidden(self, path: str) -> bool:
        return path in self._unreadable or path.partition("/")[0] in self._unreadable

    def _glance_at(self, paths: Iterable[str]) -> Iterator[tuple[str, Glance]]:
        for path in paths:
            try:
                yield path, glance(f"{self.root}/{path}")
            except OSError as error:
                sentence = f"It cannot be read: {error.strerror}."
                self.remarks.append(Remark("unreadable", path, sentence, is_failure=True))

    def _compare(
        self,
        row: KnownRepository,
        seen: Glance,
        fingerprint: bytes,
        by_id: Mapping[uuid.UUID, KnownRepository],
    ) -> None:
        """Plan what makes a row and its folder agree."""
        other = by_id.get(_own_id(seen) or row.id, row)
        is_other = other.id != row.id and other.deleted_at is None
        if is_other and self._is_gone(other.disk_path):
            sentence = f"The folder in its place says that it is {other.owner}/{other.name}."
            self.remarks.append(Remark("swapped", row.disk_path, sentence, is_failure=True))
            return
        values = self._differences(row, seen)
        description = values.get("description", row.description)
        told = told_by(row.id, row.owner, row.name, row.visibility.value, description)
        is_marked = all(seen.own.get(key) == value for key, value in told.items())
        # Marking it changes the fingerprint; the next run sees it anew.
        kept = fingerprint if is_marked and is_settled(fingerprint) else None
        if values:
            self.actions.append(Refresh(row, values, kept))
        if not is_marked:
            self.actions.append(Tell(row, told))
        elif not values and kept is not None:
            self.seen.append((row.id, kept))

    def _differences(self, row: KnownRepository, seen: Glance) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if seen.head is not None and seen.head != row.default_branch:
            values["default_branch"] = seen.head
        if seen.object_format != row.object_format and seen.object_format in _FORMATS:
            values["object_format"] = ObjectFormat(seen.object_format)
        if seen.size_bytes != row.size_bytes:
            values["size_bytes"] = seen.size_bytes
        if row.description is None and seen.description:
            values["description"] = seen.description
        if not seen.is_pristine and (pushed := self._pushed_since(row, seen)):
            values["pushed_at"] = pushed
        return values

    def _pushed_since(self, row: KnownRepository, seen: Glance) -> datetime | None:
        newest = newest_ref(f"{self.root}/{row.disk_path}")
        if row.pushed_at is None:
            return newest or seen.touched_at
        return newest if newest and newest > row.pushed_at + _CLOCKS else None

    def _place(
        self,
        arrivals: Mapping[str, Glance],
        fingerprints: Mapping[str, bytes],
        by_id: Mapping[uuid.UUID, KnownRepository],
        gone: dict[uuid.UUID, KnownRepository],
    ) -> None:
        """Plan what each folder that no row leads to becomes; what was moved leaves ``gone``."""
        claimed: set[uuid.UUID] = set()
        candidates: dict[str, uuid.UUID] = {}
        for path, seen in arrivals.items():
            own_id = _own_id(seen)
            row = by_id.get(own_id) if own_id and own_id not in claimed else None
            if row is None:
                is_original = own_id is not None and own_id not in claimed
                candidates[path] = own_id if own_id and is_original else new_id()
            elif row.deleted_at is None and self._is_gone(row.disk_path):
                self.actions.append(Move(row, path, _name_by_move(row, path)))
                gone.pop(row.id, None)
            elif row.deleted_at is not None and not (self.root / TRASH / str(row.id)).exists():
                self.actions.append(Revive(row, path))
            elif self._is_hidden(row.disk_path):
                sentence = f"It may be a copy of {row.disk_path}, which cannot be read."
                self.remarks.append(Remark("unclear", path, sentence, is_failure=True))
            else:
                candidates[path] = new_id()
            if own_id:
                claimed.add(own_id)
        self._adopt(candidates, arrivals, fingerprints, gone)

    def _adopt(
        self,
        candidates: Mapping[str, uuid.UUID],
        arrivals: Mapping[str, Glance],
        fingerprints: Mapping[str, bytes],
        gone: dict[uuid.UUID, KnownRepository],
    ) -> None:
        names = {path: self._names(path, arrivals[path], candidates[path]) for path in candidates}
        with self.sessions() as session:
            keys = {name.key for choices in names.values() for name in choices}
            taken = {key: row.disk_path for key, row in reconcile.list_named(session, keys)}
        lost = {name_key(f"{row.owner}/{row.name}"): row for row in gone.values()}
        for path, choices in names.items():
            name = next((choice for choice in choices if choice.key not in taken), None)
            if name is not None:
                taken[name.key] = path
                self.actions.append(
                    self._adoption(candidates[path], name, path, arrivals[path], fingerprints[path])
                )
            elif choices and (row := lost.pop(name_key(str(choices[-1])), None)):
                # It had no id by which to know it; its name, and that the other is gone, do.
                self.actions.append(Move(row, path, None))
                gone.pop(row.id, None)
            elif choices:
                place = taken[choices[-1].key]
                sentence = f"The name {choices[-1]} is that of the repository in {place}."
                self.remarks.append(Remark("twin", path, sentence))

    def _names(self, path: str, seen: Glance, repo_id: uuid.UUID) -> list[RepoName]:
        """Return what it may be called: as it says itself, unless it is a copy; by its folder."""
        choices = []
        if _own_id(seen) == repo_id and {"owner", "name"} <= seen.own.keys():
            choices += _valid(seen.own["owner"], seen.own["name"])
        owner, _, folder = path.partition("/")
        try:
            choices.append(RepoName(owner, folder.removesuffix(".git")))
        except InvalidInputError as error:
            if not choices:
                self.remarks.append(Remark("odd-name", path, error.message))
        return choices

    def _adoption(
        self, repo_id: uuid.UUID, name: RepoName, path: str, seen: Glance, fingerprint: bytes
    ) -> Adopt:
        own_visibility = seen.own.get("visibility")
        visibility = (
            Visibility(own_visibility) if own_visibility in _VISIBILITIES else self.visibility
        )
        description = seen.own.get("description") or seen.description
        told = told_by(repo_id, name.owner, name.name, visibility.value, description)
        is_marked = all(seen.own.get(key) == value for key, value in told.items())
        new = AdoptedRepository(
            id=repo_id,
            owner=name.owner,
            name=name.name,
            disk_path=path,
            description=description,
            visibility=visibility,
            default_branch=seen.head or "main",
            object_format=ObjectFormat(
                seen.object_format if seen.object_format in _FORMATS else "sha1"
            ),
            size_bytes=seen.size_bytes,
            pushed_at=None if seen.is_pristine else self._pushed_at(path, seen),
            fingerprint=fingerprint if is_marked and is_settled(fingerprint) else None,
        )
        return Adopt(new, None if is_marked else told)

    def _pushed_at(self, path: str, seen: Glance) -> datetime:
        exact = newest_ref(f"{self.root}/{path}") if self.verify else None
        return exact or seen.touched_at


def missing_owners(
    sessions: sessionmaker[Session], actions: Iterable[SyncAction]
) -> list[AddOwner]:
    """Return the accounts that these actions need first."""
    wanted: dict[str, str] = {}
    for action in actions:
        name = action.new.owner if isinstance(action, Adopt) else None
        if isinstance(action, Move) and action.new_name is not None:
            name = action.new_name.owner
        if name is not None:
            wanted.setdefault(name_key(name), name)
    with sessions() as session:
        known = reconcile.list_owners(session, wanted)
    return [AddOwner(name) for key, name in wanted.items() if key not in known]


def _own_id(seen: Glance) -> uuid.UUID | None:
    try:
        return uuid.UUID(seen.own.get("id", ""))
    except ValueError:
        return None


def _valid(owner: str, name: str) -> list[RepoName]:
    try:
        return [RepoName(owner, name)]
    except InvalidInputError:
        return []


def _name_by_move(row: KnownRepository, path: str) -> RepoName | None:
    """Return the name that a move by hand gives: what changed of the path changes of the name."""
    old_owner, _, old_folder = row.disk_path.partition("/")
    owner, _, folder = path.partition("/")
    moved = _valid(
        row.owner if name_key(owner) == name_key(old_owner) else owner,
        row.name if folder == old_folder else folder.removesuffix(".git"),
    )
    is_same = not moved or moved[0].key == (name_key(row.owner), name_key(row.name))
    return None if is_same else moved[0]
