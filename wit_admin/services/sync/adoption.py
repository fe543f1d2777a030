"""Plans new rows for folders that have no row and are not moved repositories."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.db.queries import reconcile
from wit_admin.db.queries.adoption import AdoptedRepository
from wit_admin.db.queries.reconcile import KnownRepository
from wit_admin.errors import InvalidInputError
from wit_admin.git.repositories.summary import moment, summarize
from wit_admin.git.repositories.walk import look
from wit_admin.names import RepoName, name_key
from wit_admin.services.plans import Remark
from wit_admin.services.repositories.config_values import said_archived_at, said_owner_type
from wit_admin.services.repositories.trash import TRASH
from wit_admin.services.sync.actions import (
    AddOwner,
    Adopt,
    Move,
    Revive,
    SyncAction,
    is_told,
)
from wit_admin.services.sync.folders import FORMATS, Folder, RootFolder
from wit_admin.services.sync.moves import Moves

_VISIBILITIES = {kind.value: kind for kind in Visibility}


@dataclass(slots=True)
class Adoption:
    """Folders without a row, and the actions planned for them."""

    sessions: sessionmaker[Session]
    disk: RootFolder
    visibility: Visibility
    """The visibility of repositories whose config does not name one."""
    is_exact: bool
    actions: list[SyncAction] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    _waiting: list[tuple[Folder, uuid.UUID | None]] = field(default_factory=list)
    """Folders with the id that each keeps; ``None`` for those that get a new one."""
    _kept: set[uuid.UUID] = field(default_factory=set)
    _kinds: dict[str, OwnerType] = field(default_factory=dict)
    """The kinds of the owners that are in the database."""

    def plan(
        self,
        arrivals: Iterable[Folder],
        by_id: Mapping[uuid.UUID, KnownRepository],
        moves: Moves,
    ) -> None:
        """Plan for folders that no live row of their ids lacks, beside what was moved."""
        for folder in arrivals:
            row = by_id.get(folder.own_id) if folder.own_id else None
            if row is None:
                self._waiting.append((folder, self._keep_id(folder)))
            elif row.deleted_at is None and row.disk_path == folder.path:
                continue  # its row was inserted since the rows were read
            elif row.deleted_at is not None and not self.disk.has_in_trash(row.id):
                self.actions.append(Revive(row, folder.path))
            elif row.deleted_at is None and self.disk.is_hidden(row.disk_path):
                sentence = f"It may be a copy of {row.disk_path}, which cannot be read."
                self.remarks.append(Remark("unclear", folder.path, sentence, is_failure=True))
            else:
                self._waiting.append((folder, None))
        if self._waiting:
            self._name(moves)

    def plan_trashed(self) -> None:
        """Plan rows for repositories in the trash that have none, so that they can be restored."""
        found = {repo_id: name for name in self._list_trash() if (repo_id := _parse(name))}
        with self.sessions() as session:
            known = {row.id for row in reconcile.list_by_id(session, sorted(found))}
        for repo_id in sorted(found.keys() - known):
            path = f"{TRASH}/{repo_id}"
            try:
                there = look(self.disk.full(path), path)
                seen = summarize(self.disk.full(path)) if there else None
            except OSError:
                there, seen = None, None
            folder = Folder.of(there, seen, None, is_news=True) if there and seen else None
            name = folder.said_name if folder else None
            if folder is None or name is None:
                self.remarks.append(Remark("trash", path, "It does not say what it was."))
                continue
            deleted_at = moment(os.lstat(self.disk.full(path)).st_ctime_ns)
            self.actions.append(self._adoption(folder, repo_id, name, deleted_at=deleted_at))

    def owners(self, moves: Iterable[Move]) -> list[AddOwner]:
        """Return the actions that create the missing owners; they must come first."""
        new = [action.new for action in self.actions if isinstance(action, Adopt)]
        wanted = [repository.owner for repository in new]
        wanted += [move.new_name.owner for move in moves if move.new_name is not None]
        by_key = {name.lower(): name for name in reversed(wanted)}
        kinds = {
            repository.owner.lower(): repository.owner_type
            for repository in new
            if repository.owner_type is not OwnerType.USER
        }
        with self.sessions() as session:
            known = reconcile.list_owners(session, by_key)
        return [
            AddOwner(name, kinds.get(key, OwnerType.USER))
            for key, name in sorted(by_key.items())
            if key not in known
        ]

    def _keep_id(self, folder: Folder) -> uuid.UUID | None:
        """Return the id that a folder keeps; of copies, only the one whose config fits its path."""
        own_id = folder.own_id
        if own_id is None or own_id in self._kept or self._is_copy(folder):
            return None
        self._kept.add(own_id)
        return own_id

    def _is_copy(self, folder: Folder) -> bool:
        name = folder.said_name
        if name is None or folder.path.removesuffix(".git") == str(name):
            return False
        return self.disk.id_at(name.disk_path) == folder.own_id

    def _name(self, moves: Moves) -> None:
        """Name each waiting folder: by its config, or else by its path."""
        # A name in a config comes before the name of a path, and ``demo.git`` before ``demo``.
        self._waiting.sort(key=lambda pair: (pair[1] is None, not pair[0].path.endswith(".git")))
        names = [(folder, kept, self._choices(folder, kept)) for folder, kept in self._waiting]
        keys = {key for _, _, choices in names for key in choices}
        with self.sessions() as session:
            owners = reconcile.list_owners(session, {owner for owner, _ in keys})
            self._kinds |= {key: kind for key, (_, kind) in owners.items()}
            asked = {key for key in keys if key[0] in owners}
            named = reconcile.list_named(session, asked)
            taken = {key: row for key, row in named if not moves.is_renamed(row)}
        places = {key: row.disk_path for key, row in taken.items()}
        places |= {move.new_name.key: path for path, move in moves.by_path.items() if move.new_name}
        for folder, kept, choices in names:
            free = _first_free(choices, places)
            if free is not None:
                places[free] = folder.path
                self.actions.append(self._adoption(folder, kept or new_id(), choices[free]))
                continue
            *_, last = choices or (None,)
            if last is None or places[last] == folder.path:
                continue
            if (row := taken.pop(last, None)) and self._is_lost(row):
                # Without an id the name tells which repository it is, as the row's folder is gone.
                self.actions.append(Move(row, folder.path, None))
            else:
                sentence = f"The name {choices[last]} is that of {places[last]}."
                self.remarks.append(Remark("twin", folder.path, sentence))

    def _is_lost(self, row: KnownRepository) -> bool:
        return self.disk.is_gone(row.disk_path) and not self.disk.has_in_trash(row.id)

    def _choices(self, folder: Folder, kept: uuid.UUID | None) -> dict[tuple[str, str], RepoName]:
        """Return the possible names of a folder by key: its config's first, then its path's."""
        said = folder.said_name if kept else None
        choices = {said.key: said} if said else {}
        owner, _, name = folder.path.partition("/")
        try:
            by_place = RepoName(owner, name.removesuffix(".git"))
        except InvalidInputError as error:
            if said is None:
                self.remarks.append(Remark("odd-name", folder.path, error.message))
        else:
            choices.setdefault(by_place.key, by_place)
        return choices

    def _adoption(
        self,
        folder: Folder,
        repo_id: uuid.UUID,
        name: RepoName,
        *,
        deleted_at: datetime | None = None,
    ) -> Adopt:
        seen = folder.seen
        said = seen.own.get("visibility", "")
        new = AdoptedRepository(
            id=repo_id,
            owner=name.owner,
            owner_type=self._kinds.get(name_key(name.owner)) or said_owner_type(seen.own),
            name=name.name,
            disk_path=folder.path,
            description=seen.own.get("description") or seen.description,
            visibility=_VISIBILITIES.get(said, self.visibility),
            default_branch=seen.head or "main",
            object_format=FORMATS.get(seen.object_format, ObjectFormat.SHA1),
            size_bytes=seen.size_bytes,
            pushed_at=folder.pushed_at(self.disk, exactly=self.is_exact),
            archived_at=said_archived_at(seen.own),
            deleted_at=deleted_at,
            fingerprint=folder.fingerprint,
        )
        return Adopt(new, is_told(seen.own, new))

    def _list_trash(self) -> Sequence[str]:
        try:
            return [path.name for path in (self.disk.root / TRASH).iterdir()]
        except FileNotFoundError:
            return ()


def _first_free(
    choices: Iterable[tuple[str, str]], places: Mapping[tuple[str, str], str]
) -> tuple[str, str] | None:
    for key in choices:
        if key not in places:
            return key
    return None


def _parse(text: str) -> uuid.UUID | None:
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
