"""Rows for repositories that only the disk knew, thousands at once, and for their owners."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, false, literal_column, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from wit_admin.db.core import execute_core, table_of
from wit_admin.db.models.accounts import Owner, OwnerType, User
from wit_admin.db.models.repositories import (
    ObjectFormat,
    Repository,
    RepositoryRedirect,
    Visibility,
)
from wit_admin.db.queries.reconcile import chunks, list_owners
from wit_admin.errors import NotFoundError
from wit_admin.names import name_key

# In the statement and not among its values, which are worked through row by row.
_ALIKE: dict[str, ColumnElement[Any]] = {
    "is_fork": false(),
    "stars_count": literal_column("0"),
    "forks_count": literal_column("0"),
    "watchers_count": literal_column("0"),
    "open_issues_count": literal_column("0"),
    "open_prs_count": literal_column("0"),
    "next_number": literal_column("1"),
}


class AdoptedRepository(NamedTuple):
    """A row to be made for a repository on disk."""

    id: uuid.UUID
    owner: str
    name: str
    disk_path: str
    description: str | None
    visibility: Visibility
    default_branch: str
    object_format: ObjectFormat
    size_bytes: int
    pushed_at: datetime | None
    deleted_at: datetime | None
    """For one in the trash."""
    fingerprint: bytes | None


def insert_placeholders(
    session: Session, owners: Mapping[uuid.UUID, str], now: datetime
) -> set[uuid.UUID]:
    """Make accounts that nobody can sign in to; return the ids of those whose names were free."""
    rows = [
        {
            "id": owner_id,
            "kind": OwnerType.USER,
            "name": name,
            "name_key": name_key(name),
            "created_at": now,
            "updated_at": now,
        }
        for owner_id, name in owners.items()
    ]
    made = _insert_new(session, Owner, rows)
    users = [{"id": made_id, "is_admin": False, "is_placeholder": True} for made_id in made]
    _insert_new(session, User, users)
    return made


def insert_adopted(
    session: Session, repositories: Sequence[AdoptedRepository], now: datetime
) -> set[uuid.UUID]:
    """Make rows, leaving out those whose names or places are taken by now; return whose were made.

    Raises:
        NotFoundError: An owner is gone.
    """
    owners = list_owners(session, {name_key(new.owner) for new in repositories})
    rows = [_row(new, owners, now) for new in repositories]
    made = _insert_new(session, Repository, rows, _ALIKE)
    live = [new for new in repositories if new.id in made and new.deleted_at is None]
    _drop_redirects(session, {(name_key(new.owner), name_key(new.name)) for new in live})
    return made


def _row(
    new: AdoptedRepository, owners: Mapping[str, tuple[uuid.UUID, OwnerType]], now: datetime
) -> dict[str, Any]:
    if name_key(new.owner) not in owners:
        raise NotFoundError(f"There is no owner {new.owner!r}.")
    owner_id, owner_type = owners[name_key(new.owner)]
    values = new._asdict()
    del values["owner"]
    values["owner_id"], values["owner_type"] = owner_id, owner_type
    values["name_key"] = name_key(new.name)
    values["created_at"] = values["updated_at"] = now
    return values


def _drop_redirects(session: Session, keys: set[tuple[str, str]]) -> None:
    redirect = tuple_(RepositoryRedirect.owner_key, RepositoryRedirect.name_key)
    for chunk in chunks(sorted(keys)):
        names = sorted({key[1] for key in chunk})
        query = select(RepositoryRedirect.owner_key, RepositoryRedirect.name_key).where(
            RepositoryRedirect.name_key.in_(names)
        )
        taken = {(owner, name) for owner, name in session.execute(query)} & set(chunk)
        if taken:
            session.execute(delete(RepositoryRedirect).where(redirect.in_(sorted(taken))))


def _insert_new(
    session: Session,
    model: type[Owner | User | Repository],
    rows: Sequence[Mapping[str, Any]],
    alike: Mapping[str, ColumnElement[Any]] = MappingProxyType({}),
) -> set[uuid.UUID]:
    """Insert rows, leaving out those of which a key is taken; return the ids that are there now.

    ``alike`` are columns of which all rows have the same value.
    """
    ids = [row["id"] for row in rows]
    if not rows:
        return set()
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table_of(model)).on_conflict_do_nothing()
    done = execute_core(session, statement.values(dict(alike)) if alike else statement, rows)
    if done.rowcount == len(rows):
        return set(ids)
    made: set[uuid.UUID] = set()
    for chunk in chunks(ids):
        made |= set(session.scalars(select(model.id).where(model.id.in_(chunk))))
    return made
