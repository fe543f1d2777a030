"""Repositories' folders as a sync sees them, and how they differ from their rows."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from wit_admin.db.models.repositories import ObjectFormat
from wit_admin.db.queries.reconcile import KnownRepository
from wit_admin.errors import InvalidInputError
from wit_admin.git.repositories import own_config, storage
from wit_admin.git.repositories.summary import Summary, moment, newest_ref
from wit_admin.git.repositories.walk import Found
from wit_admin.names import RepoName
from wit_admin.services.repositories.trash import TRASH

_CLOCKS = timedelta(seconds=2)
"""How much later than a folder's own time its push may be recorded in the database."""
FORMATS = {kind.value: kind for kind in ObjectFormat}


class Folder(NamedTuple):
    """A bare repository whose contents were read."""

    path: str
    """The path below the root."""
    fingerprint: bytes | None
    """Taken before the contents were read; ``None`` if a later change might not alter it."""
    touched_ns: int
    seen: Summary
    own_id: uuid.UUID | None
    """The id in its config."""
    is_news: bool
    """Whether the fingerprint differs from the one in the database."""

    @classmethod
    def of(cls, found: Found, seen: Summary, fingerprint: bytes | None, *, is_news: bool) -> Folder:
        """Combine what the walk found with what reading it showed."""
        own_id = _parse_id(seen.own.get("id"))
        return cls(found.path, fingerprint, found.touched_ns, seen, own_id, is_news)

    @property
    def said_name(self) -> RepoName | None:
        """The owner and name in its config; ``None`` if it has none, or invalid ones."""
        own = self.seen.own
        try:
            return RepoName(own.get("owner", ""), own.get("name", "")) if own else None
        except InvalidInputError:
            return None

    def pushed_at(self, disk: RootFolder, *, exactly: bool) -> datetime | None:
        """Return the time of the last push, as far as files show it; ``None`` if it is empty."""
        if not self.seen.size_bytes:
            return None
        newest = newest_ref(disk.full(self.path)) if exactly else None
        return newest or moment(self.touched_ns)


@dataclass(slots=True)
class RootFolder:
    """The repository root, for questions about single paths."""

    root: Path
    unreadable: set[str] = field(default_factory=set)
    """Owners' folders and repositories that could not be read."""
    base: str = field(init=False)

    def __post_init__(self) -> None:
        self.base = os.fspath(self.root)

    def full(self, path: str) -> str:
        """Return the full path of ``path``, which is relative to the root."""
        return f"{self.base}/{path}"

    def is_hidden(self, path: str) -> bool:
        """Return whether ``path`` could not be read, so that nobody knows what is there."""
        return path in self.unreadable or path.partition("/")[0] in self.unreadable

    def is_gone(self, path: str) -> bool:
        """Return whether there is certainly no repository."""
        return not self.is_hidden(path) and storage.resolve(self.root, path) is None

    def is_vacant(self, path: str) -> bool:
        """Return whether there is certainly nothing at all."""
        return not self.is_hidden(path) and not os.path.lexists(self.full(path))

    def id_at(self, path: str) -> uuid.UUID | None:
        """Return the id in the config of the repository at ``path``."""
        found = storage.resolve(self.root, path)
        return _parse_id(own_config.read_own(found.gitdir).get("id")) if found else None

    def has_in_trash(self, repo_id: uuid.UUID) -> bool:
        """Return whether the folder of a deleted repository is in the trash."""
        return os.path.lexists(self.full(f"{TRASH}/{repo_id}"))


def differences(disk: RootFolder, row: KnownRepository, folder: Folder) -> dict[str, Any]:
    """Return the columns in which a row differs from its folder, with the folder's values."""
    seen = folder.seen
    values: dict[str, Any] = {}
    if seen.head is not None and seen.head != row.default_branch:
        values["default_branch"] = seen.head
    if seen.object_format != row.object_format and seen.object_format in FORMATS:
        values["object_format"] = FORMATS[seen.object_format]
    if seen.size_bytes != row.size_bytes:
        values["size_bytes"] = seen.size_bytes
    if row.description is None and seen.description:
        values["description"] = seen.description
    if pushed_at := _pushed_since(disk, row, folder):
        values["pushed_at"] = pushed_at
    return values


def _pushed_since(disk: RootFolder, row: KnownRepository, folder: Folder) -> datetime | None:
    """Return the time of a push that is missing in the row, or ``None``."""
    if row.pushed_at is None:
        return folder.pushed_at(disk, exactly=True)
    newest = newest_ref(disk.full(folder.path))
    return newest if newest and newest > row.pushed_at + _CLOCKS else None


def _parse_id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
