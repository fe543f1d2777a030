"""What happened: written in bulk, read as feeds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.events import Activity
from wit_admin.db.models.repositories import Repository
from wit_admin.names import RepoName


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One activity in a feed, newest first."""

    id: uuid.UUID
    created_at: datetime
    type: str
    actor: str | None
    repository: str
    ref: str | None
    before: str | None
    after: str | None


def insert_activities(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add activity rows in one statement; may be empty."""
    if rows:
        session.execute(insert(Activity), [{"id": new_id(), **row} for row in rows])


def list_activity(
    session: Session, *, repository: RepoName | None, limit: int
) -> list[ActivityRow]:
    """Return the newest activities, of one repository or of all."""
    actor = aliased(Owner)
    query = (
        select(Activity, actor.name, Owner.name, Repository.name)
        .join(Repository, Repository.id == Activity.repo_id)
        .join(Owner, Owner.id == Repository.owner_id)
        .outerjoin(actor, actor.id == Activity.actor_id)
        .order_by(Activity.created_at.desc(), Activity.id.desc())
        .limit(limit)
    )
    if repository is not None:
        owner_key, repo_key = repository.key
        query = query.where(Owner.name_key == owner_key, Repository.name_key == repo_key)
    return [
        ActivityRow(
            row.id,
            row.created_at,
            row.type,
            actor_name,
            f"{owner}/{name}",
            row.ref,
            row.before,
            row.after,
        )
        for row, actor_name, owner, name in session.execute(query).tuples()
    ]
