"""Renames and transfers repositories.

The folder does not move: one transaction changes the row and adds a redirect. The repository's
config is written first, but the row decides. So a process that is killed in between leaves only a
wrong config, which the next run corrects.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import repositories
from wit_admin.db.statements import hold_snapshot
from wit_admin.errors import ConflictError
from wit_admin.git.repositories import own_config, storage
from wit_admin.names import RepoName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import (
    get_owner,
    get_repository,
    get_repository_id,
    get_repository_name,
    was_renamed,
)
from wit_admin.services.repositories.config_values import owner_values


@dataclass(frozen=True, slots=True)
class ChangedRepository:
    """A repository after a change, and whether anything changed."""

    id: uuid.UUID
    owner: str
    name: str
    is_changed: bool

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


def rename_repository(
    sessions: sessionmaker[Session],
    root: Path,
    old: RepoName,
    new_name: str,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Rename a repository; its old URLs still lead to it.

    Raises:
        NotFoundError: There is no such repository.
        ConflictError: The owner has one of the new name.
    """
    new = RepoName(old.owner, new_name)
    with sessions() as session:
        repo_id = was_renamed(session, old, new) or get_repository_id(session, old)
    return _move(sessions, root, repo_id, new, by)


def transfer_repository(
    sessions: sessionmaker[Session],
    root: Path,
    repo_id: uuid.UUID,
    new_owner: str,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Transfer a repository to another owner; its old URLs still lead to it.

    Raises:
        NotFoundError: There is no such repository, or owner.
        ConflictError: The new owner has one of that name.
    """
    with sessions() as session:
        old = get_repository_name(session, repo_id)
    return _move(sessions, root, repo_id, RepoName(new_owner, old.name), by)


def _move(
    sessions: sessionmaker[Session], root: Path, repo_id: uuid.UUID, new: RepoName, by: Origin
) -> ChangedRepository:
    with sessions() as session:
        # Another process may be about to rename it.
        hold_snapshot(session)
        old = get_repository_name(session, repo_id)
        row = get_repository(session, old)
        owner = get_owner(session, new.owner)
        taken = repositories.find_repository_id(session, new)
    if taken not in {None, repo_id}:
        raise ConflictError(f"There is a repository {new} already.")
    tell_folder(root, row, **owner_values(owner.name, owner.kind), name=new.name)
    with sessions.begin() as session:
        # Another process may have done the same since the row was read.
        present = repositories.lock_repository(session, repo_id)
        is_changed = present is not None and (owner.owner_id, new.name) != (
            present.owner_id,
            present.name,
        )
        if is_changed:
            repositories.rename_repository(
                session, repo_id, new.name, owner_id=owner.owner_id, now=utc_now()
            )
            action = "transfer" if owner.owner_id != row.owner_id else "rename"
            was, now_is = {"name": str(old)}, {"name": f"{owner.name}/{new.name}"}
            event = Event(f"repository.{action}", "repository", repo_id, str(old), was, now_is)
            record(session, event, by=by)
    return ChangedRepository(repo_id, owner.name, new.name, is_changed=is_changed)


def tell_folder(root: Path, row: Repository, **told: str | None) -> None:
    """Copy values into the repository's config, from which a lost database can be rebuilt."""
    found = storage.resolve(root, row.disk_path)
    if found is not None:
        own_config.write_own(found.gitdir, {"id": str(row.id), **told})
