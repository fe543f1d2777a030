"""Owners of repositories, users and organizations alike."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import delete, exists, insert, literal, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import UtcDateTime
from wit_admin.db.core import table_of
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.models.repositories import Repository, RepositoryRedirect
from wit_admin.db.statements import refuse_duplicates
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.names import name_key

_OWNERS = table_of(Owner)


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
    """Lock an owner who is to be deleted, and check that they own nothing.

    Raises:
        NotFoundError: The owner is gone already.
        ConflictError: There are live repositories.
    """
    lock_owner(session, owner.id)
    owned = exists().where(Repository.owner_id == owner.id, Repository.deleted_at.is_(None))
    if session.scalar(select(owned)):
        raise ConflictError(f"{owner.name} owns repositories.", hint="Delete them first.")


def find_id(session: Session, name: str) -> uuid.UUID | None:
    """Return the id of the live owner of that name, in any case."""
    query = select(Owner.id).where(Owner.name_key == name_key(name), Owner.deleted_at.is_(None))
    return session.scalars(query).one_or_none()


def rename_owner(session: Session, owner_id: uuid.UUID, name: str, *, now: datetime) -> str:
    """Give an owner another name and return the old one; old URLs lead to what it owns.

    Raises:
        NotFoundError: There is no such live owner.
        ConflictError: The name is taken.
    """
    lock_owner(session, owner_id)
    old = session.execute(select(Owner.name, Owner.name_key).where(Owner.id == owner_id)).one()
    with refuse_duplicates(session, f"The name {name!r} is taken."):
        renamed = {"name": name, "name_key": name_key(name), "updated_at": now}
        session.execute(update(_OWNERS).where(_OWNERS.c.id == owner_id).values(renamed))
    # The next sync looks whether their configs name the owner so.
    session.execute(
        update(Repository)
        .where(Repository.owner_id == owner_id)
        .values(fingerprint=None, updated_at=Repository.updated_at)
        .execution_options(synchronize_session=False)
    )
    if old.name_key != name_key(name):
        _redirect(session, owner_id, old.name_key, name_key(name), now)
    old_name: str = old.name
    return old_name


def _redirect(
    session: Session, owner_id: uuid.UUID, old_key: str, new_key: str, now: datetime
) -> None:
    live = (Repository.owner_id == owner_id, Repository.deleted_at.is_(None))
    session.execute(
        delete(RepositoryRedirect).where(
            RepositoryRedirect.owner_key.in_((old_key, new_key)),
            RepositoryRedirect.name_key.in_(select(Repository.name_key).where(*live)),
        )
    )
    former = select(literal(old_key), Repository.name_key, Repository.id, literal(now, UtcDateTime))
    columns = ["owner_key", "name_key", "repo_id", "created_at"]
    session.execute(insert(RepositoryRedirect).from_select(columns, former.where(*live)))
