"""Lists of repositories: all, of an owner, or by a filter."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import Session

from wit_admin.db.base import UtcDateTime
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.db.paging import FIRST_PAGE, AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.statements import equalities
from wit_admin.names import name_key

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Sorts what was never pushed to behind the rest."""


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
    """Which repositories are wanted; all conditions must hold; ``None`` is no condition."""

    owner: str | None = None
    visibility: Visibility | None = None
    text: str | None = None
    """In the name or the description; the case of ASCII letters does not matter."""
    is_fork: bool | None = None
    is_archived: bool | None = None


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
    }
    query = query.where(*equalities(exact))
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
