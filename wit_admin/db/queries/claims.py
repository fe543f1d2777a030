"""Placeholders: owners whose repositories were found on disk, until they are claimed."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import Owner, OwnerType, User
from wit_admin.db.models.organizations import Organization
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries.organizations import create_organization


def claim_user(session: Session, user_id: uuid.UUID) -> bool:
    """Turn a placeholder into an account; return false if it is one already.

    Of many who try at once, one succeeds.
    """
    claimed = session.execute(
        update(User)
        .where(User.id == user_id, User.is_placeholder)
        .values(is_placeholder=False)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    return claimed.first() is not None


def claim_organization(
    session: Session, placeholder_id: uuid.UUID, name: str, *, owner_id: uuid.UUID, now: datetime
) -> Organization | None:
    """Replace a placeholder by an organization of the same name; ``None`` if it is no placeholder.

    The organization gets all that the placeholder owns, the trash too.
    """
    if not claim_user(session, placeholder_id):
        return None
    session.execute(
        update(Owner)
        .where(Owner.id == placeholder_id)
        .values(deleted_at=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    organization = create_organization(session, name, owner_id=owner_id, now=now)
    session.execute(
        update(Repository)
        .where(Repository.owner_id == placeholder_id)
        .values(
            owner_id=organization.id,
            owner_type=OwnerType.ORGANIZATION,
            updated_at=Repository.updated_at,
            # Without it the next sync looks at them, and writes the new owner to their configs.
            fingerprint=None,
        )
        .execution_options(synchronize_session=False)
    )
    return organization
