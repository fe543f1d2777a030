"""Inserts rows for repositories found on disk, thousands at once, and for their owners."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, select, tuple_
from sqlalchemy.orm import Session

from wit_admin.db.base import moment_of_id
from wit_admin.db.bulk import insert_new_rows
from wit_admin.db.core import table_of
from wit_admin.db.models.accounts import Owner, OwnerType, User
from wit_admin.db.models.organizations import Organization
from wit_admin.db.models.repositories import (
    ObjectFormat,
    Repository,
    RepositoryRedirect,
    Visibility,
)
from wit_admin.db.queries.reconcile import list_owners
from wit_admin.db.statements import chunks, is_one_of
from wit_admin.errors import NotFoundError
from wit_admin.names import name_key

_COLUMNS = (
    "id",
    "name",
    "disk_path",
    "description",
    "visibility",
    "default_branch",
    "object_format",
    "size_bytes",
    "pushed_at",
    "archived_at",
    "deleted_at",
    "fingerprint",
    "owner_id",
    "owner_type",
    "name_key",
    "created_at",
)
_AT_FIRST = {
    "is_fork": False,
    "stars_count": 0,
    "forks_count": 0,
    "watchers_count": 0,
    "open_issues_count": 0,
    "open_prs_count": 0,
    "next_number": 1,
}


class AdoptedRepository(NamedTuple):
    """A row to be made for a repository on disk."""

    id: uuid.UUID
    owner: str
    owner_type: OwnerType
    """For an owner that is yet to be created; one that exists keeps its type."""
    name: str
    disk_path: str
    description: str | None
    visibility: Visibility
    default_branch: str
    object_format: ObjectFormat
    size_bytes: int
    pushed_at: datetime | None
    archived_at: datetime | None
    deleted_at: datetime | None
    """For one in the trash."""
    fingerprint: bytes | None


def insert_placeholders(
    session: Session, owners: Mapping[uuid.UUID, tuple[str, OwnerType]], now: datetime
) -> set[uuid.UUID]:
    """Create placeholders: accounts that cannot be signed in to, organizations without members.

    Return the ids of those whose names were free.
    """
    rows = [(owner_id, kind, name, name_key(name)) for owner_id, (name, kind) in owners.items()]
    same = {"created_at": now, "updated_at": now}
    made = _insert_owners(session, Owner, ("id", "kind", "name", "name_key"), rows, same)
    kinds = {made_id: owners[made_id][1] for made_id in made}
    users = [(made_id,) for made_id in made if kinds[made_id] is OwnerType.USER]
    _insert_owners(session, User, ("id",), users, {"is_admin": False, "is_placeholder": True})
    others = [(made_id, owners[made_id][0]) for made_id in made - {user[0] for user in users}]
    _insert_owners(session, Organization, ("id", "display_name"), others)
    return made


def insert_adopted(
    session: Session, repositories: Sequence[AdoptedRepository], now: datetime
) -> tuple[Sequence[AdoptedRepository], Sequence[AdoptedRepository]]:
    """Make rows; return what was made, and what was not: names or places are taken by now.

    What an earlier call made is in neither.

    Raises:
        NotFoundError: An owner is gone.
    """
    owners = list_owners(session, {name_key(new.owner) for new in repositories})
    rows = [_row(new, owners, now) for new in repositories]
    same = {"updated_at": now, **_AT_FIRST}
    made, left = repositories, list[AdoptedRepository]()
    if insert_new_rows(session, table_of(Repository), _COLUMNS, rows, same=same) < len(rows):
        ids = [new.id for new in repositories]
        there = _find_ids(session, Repository, ids)
        now_made = _find_ids(session, Repository, ids, Repository.updated_at == now)
        made = [new for new in repositories if new.id in now_made]
        left = [new for new in repositories if new.id not in there]
    _drop_redirects(session, made)
    return made, left


def _row(
    new: AdoptedRepository, owners: Mapping[str, tuple[uuid.UUID, OwnerType]], now: datetime
) -> tuple[Any, ...]:
    owner = owners.get(name_key(new.owner))
    if owner is None:
        raise NotFoundError(f"There is no owner {new.owner!r}.")
    repo_id, _, _, *seen = new
    return (repo_id, *seen, *owner, name_key(new.name), moment_of_id(repo_id, latest=now))


def _drop_redirects(session: Session, repositories: Sequence[AdoptedRepository]) -> None:
    if session.scalars(select(RepositoryRedirect.repo_id).limit(1)).first() is None:
        return
    live = [new for new in repositories if new.deleted_at is None]
    keys = {(name_key(new.owner), name_key(new.name)) for new in live}
    redirect = tuple_(RepositoryRedirect.owner_key, RepositoryRedirect.name_key)
    for chunk in chunks(sorted(keys)):
        is_called_so = is_one_of(session, RepositoryRedirect.name_key, {key[1] for key in chunk})
        query = select(RepositoryRedirect.owner_key, RepositoryRedirect.name_key).where(
            is_called_so
        )
        taken = {(owner, name) for owner, name in session.execute(query)} & set(chunk)
        if taken:
            session.execute(delete(RepositoryRedirect).where(redirect.in_(sorted(taken))))


def _insert_owners(
    session: Session,
    model: type[Owner],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    same: Mapping[str, Any] = MappingProxyType({}),
) -> set[uuid.UUID]:
    """Insert rows, except those whose key is taken; return the ids that are there now.

    The first of ``columns`` is the id.
    """
    ids = [row[0] for row in rows]
    if insert_new_rows(session, table_of(model), columns, rows, same=same) == len(rows):
        return set(ids)
    return _find_ids(session, model, ids)


def _find_ids(
    session: Session,
    model: type[Owner | Repository],
    ids: Sequence[uuid.UUID],
    *conditions: ColumnElement[bool],
) -> set[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for chunk in chunks(ids):
        found |= set(session.scalars(select(model.id).where(model.id.in_(chunk), *conditions)))
    return found
