"""Recognizes a repository root by a file with an id that is also in the database.

Without it, a missing mount would look as if all repositories had been deleted.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.repositories import RepositoryRoot
from wit_admin.db.queries import reconcile
from wit_admin.db.statements import insert_new
from wit_admin.errors import ConflictError
from wit_admin.git.files.plain import read_plain
from wit_admin.git.files.writes import write_whole

NAME = ".wit-root"
MAX_MARKER_BYTES = 100


@dataclass(slots=True)
class RootMarker:
    """The marker of one root."""

    sessions: sessionmaker[Session]
    root: Path
    _known: set[uuid.UUID] = field(default_factory=set)
    """The roots that are known to be in the database."""

    def is_stranger(self) -> bool:
        """Return whether this database was synced with other roots, but not with this one."""
        with self.sessions() as session:
            self._known = reconcile.list_roots(session)
        return bool(self._known) and self._read() not in self._known

    def establish(self) -> None:
        """Write the marker and add it to the database, so that the root is no stranger."""
        root_id = self._read() or self._write(new_id())
        if root_id in self._known:
            return
        with self.sessions.begin() as session:
            insert_new(session, RepositoryRoot, id=root_id, created_at=utc_now())

    def _read(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(read_plain(f"{self.root}/{NAME}", MAX_MARKER_BYTES).decode().strip())
        except ValueError:
            return None

    def _write(self, root_id: uuid.UUID) -> uuid.UUID:
        write_whole(self.root / NAME, f"{root_id}\n".encode(), is_durable=True)
        return root_id


def check_root(sessions: sessionmaker[Session], root: Path) -> None:
    """Check that the repositories' volume is there, before something is made or removed in it.

    Raises:
        ConflictError: It is another one than was synced, such as an empty mount point.
    """
    if RootMarker(sessions, root).is_stranger():
        raise other_volume()


def other_volume() -> ConflictError:
    """Return the error that the root is not the one that was synced; pushers may read it."""
    return ConflictError(
        "The folder of repositories is not the volume that was synced before.",
        hint="Mount it. If it is meant to be another one: wit-admin sync-repos --accept-root",
    )
