"""Repositories as a sync needs them: thousands of rows are read or changed at a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from wit_admin.db.core import execute_core, fetch_tuples, table_of
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.models.repositories import (
    ObjectFormat,
    Repository,
    RepositoryRoot,
    Visibility,
)
from wit_admin.db.paging import AnySelect
from wit_admin.db.statements import chunks, is_one_of
from wit_admin.names import name_key

CHUNK = 5000
"""How many rows a sync reads at a time."""
_REPOSITORIES = table_of(Repository)
_LIST_FINGERPRINTS = (
    select(_REPOSITORIES.c.disk_path, _REPOSITORIES.c.fingerprint)
    .where(_REPOSITORIES.c.disk_path > bindparam("after"), _REPOSITORIES.c.deleted_at.is_(None))
    .order_by(_REPOSITORIES.c.disk_path)
    .limit(bindparam("most"))
)
# Nothing about the repository changed, so ``updated_at`` stays. Whoever changed the row since it
# was read may have changed the folder too: then it is looked at again.
_STORE_FINGERPRINT = (
    update(_REPOSITORIES)
    .where(
        _REPOSITORIES.c.id == bindparam("repo_id"),
        _REPOSITORIES.c.updated_at == bindparam("read_at"),
    )
    .values(fingerprint=bindparam("seen"), updated_at=_REPOSITORIES.c.updated_at)
)
_SET_PLACE = (
    update(_REPOSITORIES)
    .where(_REPOSITORIES.c.id == bindparam("repo_id"), _REPOSITORIES.c.deleted_at.is_(None))
    .values(disk_path=bindparam("place"), fingerprint=None, updated_at=bindparam("now"))
)
_SEEN = ("default_branch", "object_format", "size_bytes", "description", "pushed_at", "fingerprint")
_UPDATE_SEEN = (
    update(_REPOSITORIES)
    .where(
        _REPOSITORIES.c.id == bindparam("repo_id"),
        _REPOSITORIES.c.updated_at == bindparam("read_at"),
        _REPOSITORIES.c.deleted_at.is_(None),
    )
    .values({name: bindparam(f"seen_{name}") for name in _SEEN} | {"updated_at": bindparam("now")})
)


class KnownRepository(NamedTuple):
    """What a row says that the disk says too."""

    id: uuid.UUID
    disk_path: str
    owner: str
    owner_type: OwnerType
    name: str
    description: str | None
    visibility: Visibility
    default_branch: str
    object_format: ObjectFormat
    size_bytes: int
    pushed_at: datetime | None
    updated_at: datetime
    archived_at: datetime | None
    deleted_at: datetime | None


def list_fingerprints(
    session: Session, *, after: str, folder: str | None = None, limit: int
) -> list[tuple[str, bytes | None]]:
    """Return disk paths of live repositories after this one, in order, with their fingerprints.

    ``folder`` is the one owner's folder to list, in any case.
    """
    query = _LIST_FINGERPRINTS
    if folder is not None:
        path = func.lower(_REPOSITORIES.c.disk_path)
        query = query.where(path.startswith(f"{folder.lower()}/", autoescape=True))
    return fetch_tuples(session, query, {"after": after, "most": limit})


def list_at(session: Session, paths: Sequence[str]) -> Iterator[KnownRepository]:
    """Yield the live repositories whose folders are at these paths."""
    for chunk in chunks(paths):
        there = is_one_of(session, Repository.disk_path, chunk)
        query = _known().where(there, Repository.deleted_at.is_(None))
        yield from (KnownRepository(*row) for row in session.execute(query))


def list_by_id(session: Session, ids: Sequence[uuid.UUID]) -> Iterator[KnownRepository]:
    """Yield the repositories of these ids, deleted ones too."""
    for chunk in chunks(ids):
        query = _known().where(Repository.id.in_(chunk))
        yield from (KnownRepository(*row) for row in session.execute(query))


def list_named(
    session: Session, keys: Iterable[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], KnownRepository]]:
    """Yield the live repositories of these names, each with its key of owner and name."""
    for chunk in chunks(sorted(keys)):
        is_called_so = is_one_of(session, Repository.name_key, {key[1] for key in chunk})
        query = _known().where(is_called_so, Repository.deleted_at.is_(None))
        wanted = set(chunk)
        for row in session.execute(query):
            known = KnownRepository(*row)
            key = name_key(known.owner), name_key(known.name)
            if key in wanted:
                yield key, known


def list_owners(session: Session, keys: Iterable[str]) -> dict[str, tuple[uuid.UUID, OwnerType]]:
    """Return id and kind of the live owners of these names."""
    found: dict[str, tuple[uuid.UUID, OwnerType]] = {}
    for chunk in chunks(sorted(keys)):
        query = select(Owner.name_key, Owner.id, Owner.kind).where(
            is_one_of(session, Owner.name_key, chunk), Owner.deleted_at.is_(None)
        )
        found |= {key: (owner_id, kind) for key, owner_id, kind in session.execute(query)}
    return found


def count_live(session: Session) -> int:
    """Return how many live repositories there are."""
    query = select(func.count()).select_from(Repository).where(Repository.deleted_at.is_(None))
    return session.scalars(query).one()


def set_places(session: Session, places: Mapping[uuid.UUID, str], now: datetime) -> None:
    """Store where the folders of live repositories are now; two may have changed places.

    Raises:
        IntegrityError: A place is another's.
    """
    if len(places) > 1:
        # A place that one leaves and another takes would be both's in between.
        _set_places(session, {repo_id: f".moving/{repo_id}" for repo_id in places}, now)
    _set_places(session, places, now)


def update_seen(
    session: Session, seen: Sequence[tuple[KnownRepository, Mapping[str, Any]]], now: datetime
) -> int:
    """Update rows with what was seen in their folders: columns of :data:`_SEEN`.

    A row that was changed since it was read is left alone. Return how many were updated.
    """
    values = [
        {"repo_id": row.id, "read_at": row.updated_at, "now": now}
        | {f"seen_{name}": changed.get(name, getattr(row, name, None)) for name in _SEEN}
        for row, changed in seen
    ]
    return execute_core(session, _UPDATE_SEEN, values).rowcount


def store_fingerprints(
    session: Session, seen: Sequence[tuple[KnownRepository, bytes | None]]
) -> None:
    """Store the fingerprints of folders that were looked at."""
    if seen:
        values = [
            {"repo_id": row.id, "read_at": row.updated_at, "seen": fingerprint}
            for row, fingerprint in seen
        ]
        execute_core(session, _STORE_FINGERPRINT, values)


def list_roots(session: Session) -> set[uuid.UUID]:
    """Return the ids of the volumes that were synced with this database."""
    return set(session.scalars(select(RepositoryRoot.id)))


def _set_places(session: Session, places: Mapping[uuid.UUID, str], now: datetime) -> None:
    values = [{"repo_id": key, "place": place, "now": now} for key, place in places.items()]
    execute_core(session, _SET_PLACE, values)


def _known() -> AnySelect:
    return select(
        Repository.id,
        Repository.disk_path,
        Owner.name,
        Owner.kind,
        Repository.name,
        Repository.description,
        Repository.visibility,
        Repository.default_branch,
        Repository.object_format,
        Repository.size_bytes,
        Repository.pushed_at,
        Repository.updated_at,
        Repository.archived_at,
        Repository.deleted_at,
    ).join(Owner, Owner.id == Repository.owner_id)
