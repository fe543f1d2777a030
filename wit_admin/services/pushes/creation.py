"""The repository that a first push creates: the folder first, then the row.

After a crash in between, the folder has no row, which ``sync-repos`` repairs; a row without a
folder never happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.errors import ConflictError
from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.disk import Disk
from wit_admin.services.access.targets import Creatable, Served
from wit_admin.services.audit.trail import Origin
from wit_admin.services.pushes import records
from wit_admin.services.repositories.config_values import own_values
from wit_admin.services.repositories.folders import free_folder
from wit_admin.services.repositories.root_marker import check_root

_SHA256_DIGITS = 64


def object_format_of(request: PushRequest) -> ObjectFormat:
    """Return the hash (SHA-1 or SHA-256) that a push names its objects by."""
    is_long = len(request.commands[0].new) == _SHA256_DIGITS
    return ObjectFormat.SHA256 if is_long else ObjectFormat.SHA1


@dataclass(frozen=True, slots=True)
class PushCreation:
    """Creates repositories for pushes; the caller holds the lock of the owner's folder."""

    sessions: sessionmaker[Session] | None
    disk: Disk
    visibility: Visibility

    def create(
        self, wanted: Creatable, object_format: ObjectFormat, *, by: Origin
    ) -> tuple[Served, bool]:
        """Return the repository, and whether it is removed again if this push fails.

        Raises:
            ConflictError: Something else stands in its place, it was removed meanwhile, or the
                volume is not there.
        """
        assert self.sessions is not None  # noqa: S101  only the database's gate gives Creatable
        check_root(self.sessions, self.disk.root)
        place, repo_id = free_folder(self.sessions, wanted.name), new_id()
        own = own_values(repo_id, wanted.name, self.visibility, owner_type=wanted.owner_type)
        made = storage.create_bare(
            self.disk.root, place, object_format=object_format.value, own=own
        )
        gitdir = self._open(
            place, f"There is something that is not a repository in the place of {wanted.name}."
        )
        # A folder that was there before is kept when this push fails, unless it is empty.
        is_removable = made or storage.is_pristine(gitdir)
        new = NewRepository(
            id=repo_id,
            owner_id=wanted.owner_id,
            name=wanted.name.name,
            disk_path=place,
            visibility=self.visibility,
            object_format=object_format,
        )
        row = records.ensure_repository_row(self.sessions, new, owner=wanted.name.owner, by=by)
        if row.disk_path != place:
            # Somebody created it a moment ago, perhaps in other letter case: use that folder.
            if made:
                storage.remove(self.disk.root / place)
            gitdir = self._open(
                row.disk_path, f"{wanted.name} was removed meanwhile.", "Push again."
            )
        served = Served(wanted.name, gitdir, row.repo_id, wanted.actor)
        return served, row.is_new and is_removable

    def _open(self, place: str, complaint: str, hint: str | None = None) -> Path:
        found = storage.resolve(self.disk.root, place)
        if found is None:
            raise ConflictError(complaint, hint=hint)
        self.disk.inspector.check(found.gitdir)
        return found.gitdir
