"""What the permissions of collaborators and of teams on repositories have in common."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wit_admin.db.models.organizations import Permission, TeamRepository
from wit_admin.db.models.repositories import Collaborator
from wit_admin.db.statements import insert_new


def set_permission(
    session: Session,
    model: type[Collaborator | TeamRepository],
    key: Mapping[str, uuid.UUID],
    permission: Permission,
    *,
    now: datetime,
) -> Permission | None:
    """Store a permission under ``key``; return the one that it replaces."""
    if insert_new(session, model, **key, permission=permission, created_at=now):
        return None
    held = select(model.permission).filter_by(**key).with_for_update()
    before = session.scalars(held).one_or_none()
    session.execute(update(model).filter_by(**key).values(permission=permission))
    return before
