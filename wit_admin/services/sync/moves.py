"""Finds repositories whose folders were moved by hand, by the id in their config."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from wit_admin.db.queries.reconcile import KnownRepository
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName, name_key
from wit_admin.services.plans import Remark
from wit_admin.services.sync.actions import Move
from wit_admin.services.sync.folders import Folder, RootFolder


@dataclass(frozen=True, slots=True)
class Moves:
    """The repositories that were moved."""

    by_path: dict[str, Move]
    """The moves by the new path of the folder."""
    by_id: dict[uuid.UUID, Move]
    refused: dict[str, Remark] = field(default_factory=dict)
    """Folders in the place of another repository whose own folder is missing."""

    def is_left(self, row: KnownRepository) -> bool:
        """Return whether a repository has left its old path."""
        return row.id in self.by_id

    def is_renamed(self, row: KnownRepository) -> bool:
        """Return whether a repository gives up its name."""
        return row.id in self.by_id and self.by_id[row.id].new_name is not None


def find_moves(
    disk: RootFolder,
    folders: Collection[Folder],
    by_id: Mapping[uuid.UUID, KnownRepository],
    at: Mapping[str, KnownRepository],
) -> Moves:
    """Return the moves to these folders; ``at`` has the rows of their paths.

    Repositories may have swapped their folders. A copy beside the original is not a move.
    """
    claims: dict[uuid.UUID, str] = {}
    for folder in folders:
        row = by_id.get(folder.own_id) if folder.own_id else None
        if row is None or row.deleted_at is not None or row.disk_path == folder.path:
            continue
        if not disk.is_hidden(row.disk_path) and disk.id_at(row.disk_path) != row.id:
            claims.setdefault(row.id, folder.path)
    refused = _take_refused(claims, by_id, at)
    said = _names_said(folders, by_id) if claims else set()
    moves = {}
    for repo_id, path in claims.items():
        row = by_id[repo_id]
        # A repository in another's place keeps its name: the other's may still be taken.
        is_others = path in at and at[path].id in claims
        name = None if is_others else _name_by_move(row, path)
        moves[path] = Move(row, path, None if name and name.key in said else name)
    return Moves(moves, {move.row.id: move for move in moves.values()}, refused)


def _names_said(
    folders: Iterable[Folder], by_id: Mapping[uuid.UUID, KnownRepository]
) -> set[tuple[str, str]]:
    """Return the names, as keys, in the configs of folders whose ids have no row."""
    strangers = (folder for folder in folders if folder.own_id and folder.own_id not in by_id)
    return {name.key for folder in strangers if (name := folder.said_name)}


def _take_refused(
    claims: dict[uuid.UUID, str],
    by_id: Mapping[uuid.UUID, KnownRepository],
    at: Mapping[str, KnownRepository],
) -> dict[str, Remark]:
    """Remove from ``claims`` the paths whose repositories have not left; return the remarks."""
    refused: dict[str, Remark] = {}
    while blocked := [
        repo_id for repo_id, path in claims.items() if path in at and at[path].id not in claims
    ]:
        for repo_id in blocked:
            path, row = claims.pop(repo_id), by_id[repo_id]
            sentence = f"The folder in its place says that it is {row.owner}/{row.name}."
            refused[path] = Remark("swapped", path, sentence, is_failure=True)
    return refused


def _name_by_move(row: KnownRepository, path: str) -> RepoName | None:
    """Return the new name: the part of the path that changed changes in the name, too."""
    old_owner, _, old_folder = row.disk_path.partition("/")
    owner, _, folder = path.partition("/")
    is_same_owner = name_key(owner) == name_key(old_owner)
    try:
        name = RepoName(
            row.owner if is_same_owner else owner,
            row.name if folder == old_folder else folder.removesuffix(".git"),
        )
    except InvalidInputError:
        return None
    return None if name.key == (name_key(row.owner), name_key(row.name)) else name
