"""Keeps deleted repositories in ``.trash/<id>`` below the root, until they are purged or restored.

The folder is moved first, then the row is changed. After a kill in between, the id in the folder's
name shows what happened, so the same command continues where it stopped.
"""

from __future__ import annotations

import shutil
import uuid
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.queries import repositories, trash
from wit_admin.db.queries.serving import OwnerRow
from wit_admin.db.queries.trash import TrashedRow
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.git.repositories import own_config, storage
from wit_admin.names import RepoName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_owner, get_repository_id
from wit_admin.services.repositories.config_values import owner_values
from wit_admin.services.repositories.folders import folder_with_id
from wit_admin.services.repositories.moves import ChangedRepository
from wit_admin.services.repositories.root_marker import check_root

TRASH = ".trash"
_GONE = ".gone-"


def delete_repository(
    sessions: sessionmaker[Session], root: Path, name: RepoName, *, by: Origin = SYSTEM
) -> ChangedRepository:
    """Move a repository to the trash; rows that belong to it stay, hidden.

    Raises:
        NotFoundError: There is no such repository.
        ConflictError: It is a link to another folder, or the volume is not there.
    """
    with sessions() as session:
        repo_id = get_repository_id(session, name)
    is_changed = discard(sessions, root, repo_id, by=by)
    return ChangedRepository(repo_id, name.owner, name.name, is_changed=is_changed)


def discard(
    sessions: sessionmaker[Session], root: Path, repo_id: uuid.UUID, *, by: Origin = SYSTEM
) -> bool:
    """Move the repository with that id to the trash; return false if it is gone already.

    Raises:
        ConflictError: It is a link to another folder, or the volume is not there.
    """
    check_root(sessions, root)
    with storage.one_at_a_time(root / TRASH):
        with sessions() as session:
            name = repositories.find_name(session, repo_id)
            row = repositories.find_repository(session, repo_id)
        if name is None or row is None:
            return False
        path = f"{TRASH}/{row.id}"
        if storage.has_folder(root, row.disk_path) and not (root / path).exists():
            if (root / row.disk_path).is_symlink():
                raise ConflictError(
                    f"{name} is a link to another folder.", hint="Remove the link by hand."
                )
            told = {"id": str(row.id), **owner_values(name.owner, row.owner_type), "name": row.name}
            if (found := storage.resolve(root, row.disk_path)) is not None:
                own_config.write_own(found.gitdir, told)
            storage.move(root / row.disk_path, root / path)
        with sessions.begin() as session:
            repositories.delete_repository(session, row.id, trash_path=path, now=utc_now())
            was, is_now = {"disk_path": row.disk_path}, {"disk_path": path}
            event = Event("repository.delete", "repository", row.id, str(name), was, is_now)
            record(session, event, by=by)
    return True


def restore_repository(  # noqa: PLR0913  what it shall be called
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    *,
    as_name: str | None = None,
    to_owner: str | None = None,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Restore the repository of that name that was deleted last.

    Raises:
        NotFoundError: The trash has none, its folder is gone, or the owner is.
        ConflictError: The name is taken, or the volume is not there.
    """
    check_root(sessions, root)
    with storage.one_at_a_time(root / TRASH):
        with sessions() as session:
            row, owner = _find_restorable(session, name, to_owner)
            wanted = RepoName(owner.name, row.name if as_name is None else as_name)
            if repositories.find_repository_id(session, wanted) is not None:
                raise ConflictError(
                    f"There is a repository {wanted} already.",
                    hint="Choose another name with --as.",
                )
        place = _move_back(root, row)
        own_config.write_own(
            root / place, {**owner_values(owner.name, owner.kind), "name": wanted.name}
        )
        with sessions.begin() as session:
            trash.restore_repository(
                session,
                row.id,
                name=wanted.name,
                disk_path=place,
                now=utc_now(),
                owner_id=owner.owner_id,
            )
            was = {"name": f"{row.owner}/{row.name}", "deleted_at": row.deleted_at}
            is_now = {"name": str(wanted), "deleted_at": None, "disk_path": place}
            event = Event("repository.restore", "repository", row.id, str(wanted), was, is_now)
            record(session, event, by=by)
    return ChangedRepository(row.id, wanted.owner, wanted.name, is_changed=True)


def _find_restorable(
    session: Session, name: RepoName, to_owner: str | None
) -> tuple[TrashedRow, OwnerRow]:
    """Return the repository of that name that was deleted last, and its future owner."""
    row = trash.find_trashed(session, name)
    if row is None:
        raise not_in_trash(name)
    if row.is_owner_gone and to_owner is None:
        raise NotFoundError(
            f"{row.owner}, which owned {name}, was deleted.",
            hint="Give it another owner with --owner.",
        )
    return row, get_owner(session, to_owner or row.owner)


def _move_back(root: Path, row: TrashedRow) -> str:
    """Move the folder out of the trash, unless a killed run has done so; return its path."""
    name = RepoName(row.owner, row.name)
    # This path does not depend on the new name: a killed run may have had another name.
    place = folder_with_id(name, row.id)
    if not (root / place).exists():
        # A purge that was killed early has renamed the folder, but removed nothing yet.
        folders = (root / TRASH / str(row.id), root / TRASH / f"{_GONE}{row.id}")
        folder = next((folder for folder in folders if folder.exists()), None)
        if folder is None:
            raise NotFoundError(f"The folder of {name} is gone from the trash.")
        storage.move(folder, root / place)
    return place


def not_in_trash(name: RepoName) -> NotFoundError:
    """Return the error that nothing of that name was deleted."""
    return NotFoundError(
        f"The trash has no repository {name}.", hint="See 'wit-admin repo trash list'."
    )


def list_trash(
    sessions: sessionmaker[Session], *, older_than: timedelta | None = None
) -> list[TrashedRow]:
    """Return the repositories in the trash, the latest first."""
    before = None if older_than is None else utc_now() - older_than
    with sessions() as session:
        return trash.list_trash(session, before=before)


def purge(
    sessions: sessionmaker[Session], root: Path, row: TrashedRow, *, by: Origin = SYSTEM
) -> None:
    """Remove a deleted repository for good, unless it was restored since ``row`` was read.

    Raises:
        ConflictError: The volume is not there.
    """
    check_root(sessions, root)
    gone = root / TRASH / f"{_GONE}{row.id}"
    with storage.one_at_a_time(root / TRASH):
        with sessions() as session:
            present = trash.find_trashed_by_id(session, row.id)
        if present is None or present.deleted_at != row.deleted_at:
            return
        # A killed restore has moved it out of the trash already.
        for place in (f"{TRASH}/{row.id}", folder_with_id(RepoName(row.owner, row.name), row.id)):
            if (root / place).exists():
                storage.move(root / place, gone)
        with sessions.begin() as session:
            revoked = trash.purge_repository(session, row.id, utc_now())
            name, was = f"{row.owner}/{row.name}", {"deleted_at": row.deleted_at}
            is_now = {"revoked_tokens": revoked} if revoked else None
            event = Event("repository.purge", "repository", row.id, name, was, is_now)
            record(session, event, by=by)
    shutil.rmtree(gone, ignore_errors=True)


def list_remains(sessions: sessionmaker[Session], root: Path) -> list[Path]:
    """Return the folders that a killed :func:`purge` left; they have no row any more."""
    kept = {f"{_GONE}{row.id}" for row in list_trash(sessions)}
    return sorted(path for path in (root / TRASH).glob(_GONE + "*") if path.name not in kept)
