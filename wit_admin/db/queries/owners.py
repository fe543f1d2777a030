"""Who a repository can belong to, be it a person or an organization."""

from __future__ import annotations

import uuid

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.models.repositories import Repository
from wit_admin.errors import ConflictError, NotFoundError


def lock_owner(session: Session, owner_id: uuid.UUID) -> OwnerType:
    """Keep an owner from being deleted or reorganized until this transaction ends.

    Raises:
        NotFoundError: There is no such live owner.
    """
    query = select(Owner.kind).where(Owner.id == owner_id, Owner.deleted_at.is_(None))
    # Not the key: rows that merely refer to the owner can still be added meanwhile.
    kind = session.scalars(query.with_for_update(key_share=True)).one_or_none()
    if kind is None:
        raise NotFoundError("There is no such owner.")
    return kind


def refuse_owned_repositories(session: Session, owner: Owner) -> None:
    """Lock an owner who is to be deleted, and make sure that nothing is owned.

    Raises:
        NotFoundError: The owner is gone already.
        ConflictError: There are live repositories.
    """
    lock_owner(session, owner.id)
    owned = exists().where(Repository.owner_id == owner.id, Repository.deleted_at.is_(None))
    if session.scalar(select(owned)):
        raise ConflictError(f"{owner.name} owns repositories.", hint="Delete them first.")
