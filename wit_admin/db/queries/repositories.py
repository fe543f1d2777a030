"""Repositories: created, found by id or name, updated, renamed, soft-deleted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import (
    ObjectFormat,
    Repository,
    RepositoryRedirect,
    Visibility,
)
from wit_admin.db.queries.counters import Counter, bump
from wit_admin.db.queries.owners import lock_owner
from wit_admin.db.queries.teams import revoke_teams
from wit_admin.db.statements import refuse_duplicates
from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName, name_key

_TOLD = {"visibility", "description", "archived_at"}
"""What a repository's config says of it, too. Without a fingerprint the next sync looks whether it
does: the folder may be away while the row changes."""


@dataclass(frozen=True, slots=True)
class NewRepository:
    """What a repository begins with; its objects are on disk already."""

    owner_id: uuid.UUID
    name: str
    disk_path: str
    description: str | None = None
    visibility: Visibility = Visibility.PRIVATE
    default_branch: str = "main"
    object_format: ObjectFormat = ObjectFormat.SHA1
    forked_from_id: uuid.UUID | None = None
    pushed_at: datetime | None = None
    id: uuid.UUID | None = None
    """Kept when the repository on disk says it already; else it gets a new one."""


class RepositoryEdit(TypedDict, total=False):
    """What may be changed of a repository; for its name see :func:`rename_repository`."""

    description: str | None
    visibility: Visibility
    default_branch: str
    archived_at: datetime | None
    size_bytes: int


def create_repository(session: Session, new: NewRepository, *, now: datetime) -> Repository:
    """Insert the row of a repository that is on disk already; a fork is counted by its original.

    Raises:
        NotFoundError: There is no such owner.
        ConflictError: The owner has a repository of that name, or the path is another's.
    """
    repository = Repository(
        id=new.id or new_id(),
        owner_type=lock_owner(session, new.owner_id),
        owner_id=new.owner_id,
        name=new.name,
        disk_path=new.disk_path,
        description=new.description,
        visibility=new.visibility,
        default_branch=new.default_branch,
        object_format=new.object_format,
        is_fork=new.forked_from_id is not None,
        forked_from_id=new.forked_from_id,
        created_at=now,
        updated_at=now,
        pushed_at=new.pushed_at,
    )
    with refuse_duplicates(session, f"There is a repository {new.name!r} already."):
        session.add(repository)
    if key := _key_of(session, repository.id):
        drop_redirect(session, *key)
    if new.forked_from_id is not None:
        bump(session, new.forked_from_id, Counter.FORKS, 1)
    return repository


def find_repository(session: Session, repo_id: uuid.UUID) -> Repository | None:
    """Return the live repository of that id, as it is in the database now."""
    query = select(Repository).where(Repository.id == repo_id, Repository.deleted_at.is_(None))
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def lock_repository(session: Session, repo_id: uuid.UUID) -> Repository | None:
    """Return the repository of that id if not deleted, with its row locked."""
    query = select(Repository).where(Repository.id == repo_id, Repository.deleted_at.is_(None))
    locked = query.with_for_update(key_share=True)
    return session.scalars(locked, execution_options={"populate_existing": True}).one_or_none()


def find_repository_by_name(session: Session, name: RepoName) -> Repository | None:
    """Return the live repository of that name, as it is in the database now."""
    repo_id = find_repository_id(session, name)
    return None if repo_id is None else find_repository(session, repo_id)


def find_repository_id(session: Session, name: RepoName) -> uuid.UUID | None:
    """Return the id of the live repository of that name."""
    owner_key, repo_key = name.key
    return session.scalars(
        select(Repository.id)
        .join(Owner, Owner.id == Repository.owner_id)
        .where(Owner.name_key == owner_key, Owner.deleted_at.is_(None), _is_live_as(repo_key))
    ).one_or_none()


def find_name(session: Session, repo_id: uuid.UUID) -> RepoName | None:
    """Return what the live repository of that id is called now."""
    row = session.execute(
        select(Owner.name, Repository.name)
        .join(Repository, Repository.owner_id == Owner.id)
        .where(Repository.id == repo_id, Repository.deleted_at.is_(None))
    ).one_or_none()
    return None if row is None else RepoName(row[0], row[1])


def is_known(session: Session, repo_id: uuid.UUID) -> bool:
    """Return whether a repository has that id, even a deleted one."""
    return session.get(Repository, repo_id) is not None


def find_place(session: Session, owner_id: uuid.UUID, name: str) -> tuple[uuid.UUID, str] | None:
    """Return the id and the disk path of the owner's live repository of that name."""
    row = session.execute(
        select(Repository.id, Repository.disk_path).where(
            Repository.owner_id == owner_id, _is_live_as(name_key(name))
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def update_repository(
    session: Session, repo_id: uuid.UUID, *, now: datetime, **edit: Unpack[RepositoryEdit]
) -> Repository:
    """Change a repository.

    Raises:
        NotFoundError: There is no such repository.
    """
    unseen = {"fingerprint": None} if _TOLD & edit.keys() else {}
    return _update(session, repo_id, updated_at=now, **edit, **unseen)


def rename_repository(
    session: Session,
    repo_id: uuid.UUID,
    name: str,
    *,
    now: datetime,
    owner_id: uuid.UUID | None = None,
) -> Repository:
    """Give a repository another name, or owner; the old one leads to it until it is taken again.

    Its folder on disk stays where it is.

    Raises:
        NotFoundError: There is no such repository, or owner.
        ConflictError: The owner has a repository of that name.
    """
    old = _key_of(session, repo_id)
    values: dict[str, Any] = {"name": name, "name_key": name_key(name), "updated_at": now}
    values["fingerprint"] = None  # see _TOLD
    if owner_id is not None:
        values |= {"owner_id": owner_id, "owner_type": lock_owner(session, owner_id)}
    with refuse_duplicates(session, f"There is a repository {name!r} already."):
        renamed = _update(session, repo_id, **values)
    new = _key_of(session, repo_id)
    if old is not None and new is not None and old[0] != new[0]:
        revoke_teams(session, repo_id)
    if old is not None and new is not None and old != new:
        drop_redirect(session, *old)
        drop_redirect(session, *new)
        session.add(
            RepositoryRedirect(owner_key=old[0], name_key=old[1], repo_id=repo_id, created_at=now)
        )
    return renamed


def drop_redirect(session: Session, owner_key: str, repo_key: str) -> None:
    """Forget that a repository had this name before, since another one takes it."""
    session.execute(
        delete(RepositoryRedirect).where(
            RepositoryRedirect.owner_key == owner_key, RepositoryRedirect.name_key == repo_key
        )
    )


def find_place_owner(session: Session, disk_path: str) -> tuple[str, str] | None:
    """Return the key of the repository whose folder is there, whatever it is called by now."""
    return _find_key(session, Repository.disk_path == disk_path)


def delete_repository(
    session: Session, repo_id: uuid.UUID, *, trash_path: str, now: datetime
) -> None:
    """Hide a repository whose objects were moved to ``trash_path``; name and path are free again.

    Raises:
        NotFoundError: There is no such repository.
    """
    deleted = _update(session, repo_id, disk_path=trash_path, deleted_at=now, updated_at=now)
    if deleted.forked_from_id is not None:
        bump(session, deleted.forked_from_id, Counter.FORKS, -1)


def _key_of(session: Session, repo_id: uuid.UUID) -> tuple[str, str] | None:
    return _find_key(session, Repository.id == repo_id)


def _find_key(session: Session, condition: ColumnElement[bool]) -> tuple[str, str] | None:
    row = session.execute(
        select(Owner.name_key, Repository.name_key)
        .join(Repository, Repository.owner_id == Owner.id)
        .where(condition)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def _update(session: Session, repo_id: uuid.UUID, **values: Any) -> Repository:
    row = session.scalars(
        update(Repository)
        .where(Repository.id == repo_id, Repository.deleted_at.is_(None))
        .values(**values)
        .returning(Repository)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError("There is no such repository.")
    return row


def _is_live_as(key: str) -> ColumnElement[bool]:
    return (Repository.name_key == key) & Repository.deleted_at.is_(None)
