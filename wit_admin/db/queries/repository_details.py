"""Everything that the database knows about one repository."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.models.events import Activity
from wit_admin.db.models.repositories import (
    ObjectFormat,
    Repository,
    RepositoryRedirect,
    Visibility,
)


@dataclass(frozen=True, slots=True)
class RepositoryDetail:
    """One repository, as far as the database knows it."""

    id: uuid.UUID
    owner: str
    owner_type: OwnerType
    name: str
    description: str | None
    visibility: Visibility
    archived_at: datetime | None
    default_branch: str
    object_format: ObjectFormat
    disk_path: str
    size_bytes: int
    is_fork: bool
    forked_from: str | None
    """``None`` when the original is gone."""
    forks_count: int
    stars_count: int
    watchers_count: int
    open_issues_count: int
    open_prs_count: int
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime | None
    last_activity_at: datetime | None
    former_names: tuple[str, ...]
    """Keys, ``owner/name``, of the URLs that lead to it."""


def find_detail(session: Session, repo_id: uuid.UUID) -> RepositoryDetail | None:
    """Return what is known of the live repository of that id."""
    origin, origin_owner = aliased(Repository), aliased(Owner)
    last_activity = (
        select(func.max(Activity.created_at))
        .where(Activity.repo_id == Repository.id)
        .scalar_subquery()
    )
    row = session.execute(
        select(Repository, Owner.name, origin_owner.name, origin.name, last_activity)
        .join(Owner, Owner.id == Repository.owner_id)
        .outerjoin(origin, origin.id == Repository.forked_from_id)
        .outerjoin(origin_owner, origin_owner.id == origin.owner_id)
        .where(Repository.id == repo_id, Repository.deleted_at.is_(None)),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if row is None:
        return None
    repository, owner, origin_of, origin_name, last = row
    computed: dict[str, Any] = {
        "owner": owner,
        "forked_from": f"{origin_of}/{origin_name}" if origin_name else None,
        "last_activity_at": last,
        "former_names": _former_names(session, repo_id),
    }
    names = RepositoryDetail.__dataclass_fields__
    plain = {name: getattr(repository, name) for name in names if name not in computed}
    return RepositoryDetail(**plain, **computed)


def _former_names(session: Session, repo_id: uuid.UUID) -> tuple[str, ...]:
    rows = session.execute(
        select(RepositoryRedirect.owner_key, RepositoryRedirect.name_key)
        .where(RepositoryRedirect.repo_id == repo_id)
        .order_by(RepositoryRedirect.created_at, RepositoryRedirect.owner_key)
    )
    return tuple(f"{owner}/{name}" for owner, name in rows)
