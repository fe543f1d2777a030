"""Repositories' folders as a sync sees them, and how what they say differs from their rows."""

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
from wit_admin.git import own_config, storage
from wit_admin.git.glance import Glance, moment, newest_ref
from wit_admin.git.walk import Found
from wit_admin.names import RepoName
from wit_admin.services.trash import TRASH

_CLOCKS = timedelta(seconds=2)
"""A push is recorded a moment after git has written its refs."""
FORMATS = {kind.value: kind for kind in ObjectFormat}


class Folder(NamedTuple):
    """A bare repository that was looked into."""

    path: str
    """Below the root."""
    fingerprint: bytes | None
    """Taken before the look; ``None`` when a later change may not show in it."""
    touched_ns: int
    seen: Glance
    own_id: uuid.UUID | None
    """The id that its config gives it."""
    is_news: bool
    """The database does not remember this fingerprint."""

    @classmethod
    def of(cls, found: Found, seen: Glance, fingerprint: bytes | None, *, is_news: bool) -> Folder:
        """Return what was found and looked into."""
        own_id = _parse_id(seen.own.get("id"))
        return cls(found.path, fingerprint, found.touched_ns, seen, own_id, is_news)

    @property
    def said_name(self) -> RepoName | None:
        """The owner and name that its config gives it, if it does and they can be names."""
        own = self.seen.own
        try:
            return RepoName(own.get("owner", ""), own.get("name", "")) if own else None
        except InvalidInputError:
            return None

    def pushed_at(self, disk: RootFolder, *, exactly: bool) -> datetime | None:
        """Return when it was pushed to last, as near as folders tell; ``None`` if it is empty."""
        if not self.seen.size_bytes:
            return None
        newest = newest_ref(disk.full(self.path)) if exactly else None
        return newest or moment(self.touched_ns)


@dataclass(slots=True)
class RootFolder:
    """The repository root, for questions about single places."""

    root: Path
    unreadable: set[str] = field(default_factory=set)
    """Owners' folders and repositories that did not let themselves be read."""
    base: str = field(init=False)

    def __post_init__(self) -> None:
        self.base = os.fspath(self.root)

    def full(self, path: str) -> str:
        """Return where ``path`` below the root is."""
        return f"{self.base}/{path}"

    def is_hidden(self, path: str) -> bool:
        """Tell whether it cannot be known what is there."""
        return path in self.unreadable or path.partition("/")[0] in self.unreadable

    def is_gone(self, path: str) -> bool:
        """Tell whether no repository is there, for sure."""
        return not self.is_hidden(path) and storage.resolve(self.root, path) is None

    def is_vacant(self, path: str) -> bool:
        """Tell whether nothing at all is there, for sure."""
        return not self.is_hidden(path) and not os.path.lexists(self.full(path))

    def id_at(self, path: str) -> uuid.UUID | None:
        """Return the id that the repository there gives itself."""
        found = storage.resolve(self.root, path)
        return _parse_id(own_config.read_own(found.gitdir).get("id")) if found else None

    def has_in_trash(self, repo_id: uuid.UUID) -> bool:
        """Tell whether the folder of a deleted repository is in the trash."""
        return os.path.lexists(self.full(f"{TRASH}/{repo_id}"))


def differences(disk: RootFolder, row: KnownRepository, folder: Folder) -> dict[str, Any]:
    """Return the columns of a row in which the disk is right, with what it says."""
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
    """Return when a push was that the row does not know of."""
    if row.pushed_at is None:
        return folder.pushed_at(disk, exactly=True)
    newest = newest_ref(disk.full(folder.path))
    return newest if newest and newest > row.pushed_at + _CLOCKS else None


def _parse_id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
