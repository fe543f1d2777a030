"""Stars and watches of repositories."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import Owner, User
from wit_admin.db.models.repositories import Repository, Star, Visibility, Watch
from wit_admin.db.paging import FIRST_PAGE, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries.counters import Counter, bump
from wit_admin.db.statements import insert_new

Mark = type[Star] | type[Watch]

_COUNTERS: dict[Mark, Counter] = {Star: Counter.STARS, Watch: Counter.WATCHERS}


@dataclass(frozen=True, slots=True)
class FanRow:
    """Somebody who starred or watches a repository."""

    user_id: uuid.UUID
    username: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MarkedRow:
    """A repository that a user starred or watches."""

    repo_id: uuid.UUID
    owner: str
    name: str
    visibility: Visibility
    created_at: datetime


def add_mark(
    session: Session, mark: Mark, repo_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime
) -> bool:
    """Star or watch a repository; return false if the user did so already."""
    added = insert_new(session, mark, repo_id=repo_id, user_id=user_id, created_at=now)
    if added:
        bump(session, repo_id, _COUNTERS[mark], 1)
    return added


def remove_mark(session: Session, mark: Mark, repo_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Remove a star or a watch; return false if there was none."""
    statement = delete(mark).where(mark.repo_id == repo_id, mark.user_id == user_id)
    removed = session.execute(statement.returning(mark.user_id)).first() is not None
    if removed:
        bump(session, repo_id, _COUNTERS[mark], -1)
    return removed


def list_fans(
    session: Session, mark: Mark, repo_id: uuid.UUID, *, at: PageRequest = FIRST_PAGE
) -> Page[FanRow]:
    """Return a page of who starred or watches a repository, the latest first."""
    query = (
        select(User.id, User.name, mark.created_at)
        .join(mark, mark.user_id == User.id)
        .where(mark.repo_id == repo_id, User.deleted_at.is_(None))
    )
    order = Order(f"{mark.__tablename__}.fans", (mark.created_at, mark.user_id), descending=True)
    return fetch_page(session, query, order, at, FanRow)


def list_marked(
    session: Session, mark: Mark, user_id: uuid.UUID, *, at: PageRequest = FIRST_PAGE
) -> Page[MarkedRow]:
    """Return a page of the repositories that a user starred or watches, latest first."""
    query = (
        select(Repository.id, Owner.name, Repository.name, Repository.visibility, mark.created_at)
        .join(mark, mark.repo_id == Repository.id)
        .join(Owner, Owner.id == Repository.owner_id)
        .where(mark.user_id == user_id, Repository.deleted_at.is_(None))
    )
    order = Order(f"{mark.__tablename__}.marked", (mark.created_at, mark.repo_id), descending=True)
    return fetch_page(session, query, order, at, MarkedRow)
