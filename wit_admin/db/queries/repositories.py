"""Repositories as rows: made, found by id and name, listed, changed, renamed, hidden."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, delete, func, literal, or_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import UtcDateTime, new_id
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import (
    ObjectFormat,
    Repository,
    RepositoryRedirect,
    Visibility,
)
from wit_admin.db.paging import FIRST_PAGE, AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries.counters import Counter, bump
from wit_admin.db.queries.owners import lock_owner
from wit_admin.db.queries.teams import revoke_teams
from wit_admin.db.statements import refuse_duplicates
from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName, name_key

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Sorts what was never pushed to behind the rest."""


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


class RepositorySort(enum.Enum):
    """How a list of repositories is sorted."""

    NAME = Order("repositories.name", (Owner.name_key, Repository.name_key, Repository.id))
    UPDATED = Order("repositories.updated", (Repository.updated_at, Repository.id), descending=True)
    PUSHED = Order(
        "repositories.pushed",
        (func.coalesce(Repository.pushed_at, literal(_NEVER, UtcDateTime())), Repository.id),
        descending=True,
    )
    SIZE = Order("repositories.size", (Repository.size_bytes, Repository.id), descending=True)
    STARS = Order("repositories.stars", (Repository.stars_count, Repository.id), descending=True)


@dataclass(frozen=True, slots=True)
class RepositoryFilter:
    """Which repositories are wanted; all conditions must hold, ``None`` asks for nothing."""

    owner: str | None = None
    visibility: Visibility | None = None
    text: str | None = None
    """In the name or the description; the case of ASCII letters does not matter."""
    is_fork: bool | None = None
    is_archived: bool | None = None
    forked_from_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """One repository in a list."""

    id: uuid.UUID
    owner: str
    name: str
    visibility: Visibility
    default_branch: str
    pushed_at: datetime | None
    description: str | None
    is_fork: bool
    stars_count: int
    forks_count: int
    size_bytes: int
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnedRow:
    """One repository of an owner."""

    id: uuid.UUID
    name: str
    disk_path: str
    deleted_at: datetime | None

    @property
    def is_live(self) -> bool:
        """Whether it is not in the trash."""
        return self.deleted_at is None


def create_repository(session: Session, new: NewRepository, *, now: datetime) -> Repository:
    """Make the row of a repository that is on disk already, and count it as a fork if it is one.

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
    """Return the live repository of that id; nobody else changes its row in this transaction."""
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
    """Tell whether a repository has that id, even a deleted one."""
    return session.get(Repository, repo_id) is not None


def find_place(session: Session, owner_id: uuid.UUID, name: str) -> tuple[uuid.UUID, str] | None:
    """Return the id and the disk path of the owner's live repository of that name."""
    row = session.execute(
        select(Repository.id, Repository.disk_path).where(
            Repository.owner_id == owner_id, _is_live_as(name_key(name))
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def list_repositories(session: Session) -> list[RepositoryRow]:
    """Return all live repositories by name."""
    query = _listing().order_by(Owner.name_key, Repository.name_key)
    return [RepositoryRow(*row) for row in session.execute(query)]


def list_owned(session: Session, owner_id: uuid.UUID) -> list[OwnedRow]:
    """Return an owner's repositories by name, those in the trash too."""
    query = (
        select(Repository.id, Repository.name, Repository.disk_path, Repository.deleted_at)
        .where(Repository.owner_id == owner_id)
        .order_by(Repository.name_key, Repository.id)
    )
    return [OwnedRow(*row) for row in session.execute(query)]


def search_repositories(
    session: Session,
    wanted: RepositoryFilter | None = None,
    *,
    sort: RepositorySort = RepositorySort.NAME,
    at: PageRequest = FIRST_PAGE,
) -> Page[RepositoryRow]:
    """Return a page of the live repositories that are ``wanted``."""
    query = _narrowed(_listing(), wanted or RepositoryFilter())
    return fetch_page(session, query, sort.value, at, RepositoryRow)


def update_repository(
    session: Session, repo_id: uuid.UUID, *, now: datetime, **edit: Unpack[RepositoryEdit]
) -> Repository:
    """Change a repository.

    Raises:
        NotFoundError: There is no such repository.
    """
    return _update(session, repo_id, updated_at=now, **edit)


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
    """Let a former name lead nowhere; for when a repository takes it."""
    session.execute(
        delete(RepositoryRedirect).where(
            RepositoryRedirect.owner_key == owner_key, RepositoryRedirect.name_key == repo_key
        )
    )


def find_place_owner(session: Session, disk_path: str) -> tuple[str, str] | None:
    """Return the key of the repository whose folder is there, whatever it is called by now."""
    row = session.execute(
        select(Owner.name_key, Repository.name_key)
        .join(Repository, Repository.owner_id == Owner.id)
        .where(Repository.disk_path == disk_path)
    ).one_or_none()
    return (row[0], row[1]) if row else None


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
    row = session.execute(
        select(Owner.name_key, Repository.name_key)
        .join(Repository, Repository.owner_id == Owner.id)
        .where(Repository.id == repo_id)
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


def _listing() -> AnySelect:
    return (
        select(
            Repository.id,
            Owner.name,
            Repository.name,
            Repository.visibility,
            Repository.default_branch,
            Repository.pushed_at,
            Repository.description,
            Repository.is_fork,
            Repository.stars_count,
            Repository.forks_count,
            Repository.size_bytes,
            Repository.archived_at,
        )
        .join(Owner, Owner.id == Repository.owner_id)
        .where(Repository.deleted_at.is_(None))
    )


def _narrowed(query: AnySelect, wanted: RepositoryFilter) -> AnySelect:
    exact: dict[Any, Any] = {
        Repository.visibility: wanted.visibility,
        Repository.is_fork: wanted.is_fork,
        Repository.forked_from_id: wanted.forked_from_id,
    }
    query = query.where(*(column == value for column, value in exact.items() if value is not None))
    if wanted.owner is not None:
        query = query.where(Owner.name_key == name_key(wanted.owner))
    if wanted.is_archived is not None:
        archived = Repository.archived_at
        query = query.where(archived.is_not(None) if wanted.is_archived else archived.is_(None))
    if wanted.text is not None:
        query = query.where(
            or_(
                Repository.name.icontains(wanted.text, autoescape=True),
                Repository.description.icontains(wanted.text, autoescape=True),
            )
        )
    return query
