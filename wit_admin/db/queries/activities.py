"""Activities: written in bulk, read as feeds, newest first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.base import new_id
from wit_admin.db.core import execute_core, table_of
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.events import Activity
from wit_admin.db.models.repositories import Repository, Visibility, Watch
from wit_admin.db.paging import FIRST_PAGE, AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.names import RepoName, name_key

_NEWEST = Order("activities.newest", (Activity.created_at, Activity.id), descending=True)
_ACTOR = aliased(Owner)


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activities are wanted; all conditions must hold; ``None`` is no condition."""

    repository: RepoName | None = None
    actor: str | None = None
    types: tuple[str, ...] = ()
    """Any of these; all, if empty."""
    watched_by: uuid.UUID | None = None
    """In repositories that this user watches."""
    is_public: bool = False
    """In public repositories only."""


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One activity in a feed; ``repository`` is ``None`` for what is not about one."""

    id: uuid.UUID
    created_at: datetime
    type: str
    kind: str | None
    """Of a push: ``created``, ``updated``, ``forced`` or ``deleted``, as the ref was."""
    actor: str | None
    repository: str | None
    ref: str | None
    before: str | None
    after: str | None


# Each push and each clone runs this. Without the ORM it takes a third of the time.
_INSERT = insert(table_of(Activity))


def insert_activities(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add activity rows in one statement; may be empty."""
    if rows:
        execute_core(session, _INSERT, [{"id": new_id(), **row} for row in rows])


def list_feed(
    session: Session,
    wanted: ActivityFilter | None = None,
    *,
    at: PageRequest = FIRST_PAGE,
) -> Page[ActivityRow]:
    """Return a page of what happened, the newest first."""
    query = _narrowed(_listing(), wanted or ActivityFilter())
    return fetch_page(session, query, _NEWEST, at, _build)


def list_activity(
    session: Session, *, repository: RepoName | None, limit: int
) -> list[ActivityRow]:
    """Return the newest activities, of one repository or of all."""
    wanted = ActivityFilter(repository=repository)
    return list(list_feed(session, wanted, at=PageRequest(limit)).items)


def _listing() -> AnySelect:
    return (
        select(
            Activity.id,
            Activity.created_at,
            Activity.type,
            Activity.payload,
            _ACTOR.name,
            Owner.name,
            Repository.name,
            Activity.ref,
            Activity.before,
            Activity.after,
        )
        .outerjoin(Repository, Repository.id == Activity.repo_id)
        .outerjoin(Owner, Owner.id == Repository.owner_id)
        .outerjoin(_ACTOR, _ACTOR.id == Activity.actor_id)
    )


def _narrowed(query: AnySelect, wanted: ActivityFilter) -> AnySelect:
    if wanted.repository is not None:
        owner_key, repo_key = wanted.repository.key
        query = query.where(Owner.name_key == owner_key, Repository.name_key == repo_key)
    if wanted.actor is not None:
        query = query.where(_ACTOR.name_key == name_key(wanted.actor))
    if wanted.types:
        query = query.where(Activity.type.in_(wanted.types))
    if wanted.watched_by is not None:
        watched = select(Watch.repo_id).where(Watch.user_id == wanted.watched_by)
        query = query.where(Activity.repo_id.in_(watched))
    if wanted.is_public:
        query = query.where(
            or_(Activity.repo_id.is_(None), Repository.visibility == Visibility.PUBLIC),
            Repository.deleted_at.is_(None),
        )
    return query


def _build(  # noqa: PLR0913, PLR0917 - one parameter for each column, in their order
    activity_id: uuid.UUID,
    created_at: datetime,
    type_: str,
    payload: dict[str, Any] | None,
    actor: str | None,
    owner: str | None,
    name: str | None,
    *refs: str | None,
) -> ActivityRow:
    repository = None if owner is None else f"{owner}/{name}"
    kind = (payload or {}).get("kind")
    return ActivityRow(activity_id, created_at, type_, kind, actor, repository, *refs)
