"""Repositories as a sync sees them: all places at once, and writes of thousands in one go."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from wit_admin.db.base import Base
from wit_admin.db.core import execute_core, table_of
from wit_admin.db.models.accounts import Owner, OwnerType, User
from wit_admin.db.models.repositories import (
    ObjectFormat,
    Repository,
    RepositoryRedirect,
    RepositoryRoot,
    Visibility,
)
from wit_admin.db.paging import AnySelect
from wit_admin.errors import NotFoundError
from wit_admin.names import name_key

_CHUNK = 5000
_REPOSITORIES = table_of(Repository)
_STORE_FINGERPRINT = (
    update(_REPOSITORIES)
    .where(_REPOSITORIES.c.id == bindparam("repo_id"))
    # Nothing about the repository changed, so ``updated_at`` stays.
    .values(fingerprint=bindparam("seen"), updated_at=_REPOSITORIES.c.updated_at)
)


class KnownRepository(NamedTuple):
    """What a row says that the disk says too."""

    id: uuid.UUID
    disk_path: str
    owner: str
    name: str
    description: str | None
    visibility: Visibility
    default_branch: str
    object_format: ObjectFormat
    size_bytes: int
    pushed_at: datetime | None
    deleted_at: datetime | None


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
    fingerprint: bytes | None


def list_fingerprints(session: Session, folder: str | None = None) -> dict[str, bytes | None]:
    """Return the fingerprint of each live repository by its disk path; of one folder if given."""
    query = select(_REPOSITORIES.c.disk_path, _REPOSITORIES.c.fingerprint).where(
        _REPOSITORIES.c.deleted_at.is_(None)
    )
    if folder is not None:
        path = func.lower(_REPOSITORIES.c.disk_path)
        query = query.where(path.startswith(f"{folder.lower()}/", autoescape=True))
    # The driver's tuples as they come: each run reads all of them.
    return {row[0]: row[1] for row in session.execute(query)}


def list_at(session: Session, paths: Sequence[str]) -> Iterator[KnownRepository]:
    """Yield the live repositories whose folders are there."""
    for chunk in _chunks(paths):
        query = _known().where(Repository.disk_path.in_(chunk), Repository.deleted_at.is_(None))
        yield from (KnownRepository(*row) for row in session.execute(query))


def list_by_id(session: Session, ids: Sequence[uuid.UUID]) -> Iterator[KnownRepository]:
    """Yield the repositories of these ids, deleted ones too."""
    for chunk in _chunks(ids):
        query = _known().where(Repository.id.in_(chunk))
        yield from (KnownRepository(*row) for row in session.execute(query))


def list_named(
    session: Session, keys: Iterable[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], KnownRepository]]:
    """Yield the live repositories of these names, each with its key of owner and name."""
    for chunk in _chunks(sorted(keys)):
        query = _known().where(
            Repository.name_key.in_(sorted({key[1] for key in chunk})),
            Repository.deleted_at.is_(None),
        )
        wanted = set(chunk)
        for row in session.execute(query):
            known = KnownRepository(*row)
            key = name_key(known.owner), name_key(known.name)
            if key in wanted:
                yield key, known


def count_live(session: Session) -> int:
    """Return how many live repositories there are."""
    query = select(func.count()).select_from(Repository).where(Repository.deleted_at.is_(None))
    return session.scalars(query).one()


def list_owners(session: Session, keys: Iterable[str]) -> dict[str, tuple[uuid.UUID, OwnerType]]:
    """Return id and kind of the live owners of these names."""
    found: dict[str, tuple[uuid.UUID, OwnerType]] = {}
    for chunk in _chunks(sorted(keys)):
        query = select(Owner.name_key, Owner.id, Owner.kind).where(
            Owner.name_key.in_(chunk), Owner.deleted_at.is_(None)
        )
        found |= {key: (owner_id, kind) for key, owner_id, kind in session.execute(query)}
    return found


def insert_placeholders(
    session: Session, owners: Mapping[uuid.UUID, str], now: datetime
) -> list[uuid.UUID]:
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
    _insert_new(session, Owner, rows)
    made = []
    for chunk in _chunks(list(owners)):
        made += list(session.scalars(select(Owner.id).where(Owner.id.in_(chunk))))
    users = [{"id": made_id, "is_admin": False, "is_placeholder": True} for made_id in made]
    _insert_new(session, User, users)
    return made


def insert_adopted(
    session: Session, repositories: Sequence[AdoptedRepository], now: datetime
) -> None:
    """Make rows, leaving out those whose names or places are taken by now.

    Raises:
        NotFoundError: An owner is gone.
    """
    owners = list_owners(session, {name_key(new.owner) for new in repositories})
    rows = []
    for new in repositories:
        if name_key(new.owner) not in owners:
            raise NotFoundError(f"There is no owner {new.owner!r}.")
        owner_id, owner_type = owners[name_key(new.owner)]
        fields = new._asdict()
        del fields["owner"]
        rows.append(
            fields
            | {
                "owner_id": owner_id,
                "owner_type": owner_type,
                "name_key": name_key(new.name),
                "is_fork": False,
                "stars_count": 0,
                "forks_count": 0,
                "watchers_count": 0,
                "open_issues_count": 0,
                "open_prs_count": 0,
                "next_number": 1,
                "created_at": now,
                "updated_at": now,
            }
        )
    _insert_new(session, Repository, rows)
    _drop_redirects(session, {(name_key(new.owner), name_key(new.name)) for new in repositories})


def set_place(session: Session, repo_id: uuid.UUID, disk_path: str, now: datetime) -> bool:
    """Note where a live repository's folder is now, unseen as yet; false if there is no such."""
    changed = session.execute(
        update(Repository)
        .where(Repository.id == repo_id, Repository.deleted_at.is_(None))
        .values(disk_path=disk_path, fingerprint=None, updated_at=now)
        .returning(Repository.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def update_seen(
    session: Session, repo_id: uuid.UUID, values: Mapping[str, Any], now: datetime
) -> None:
    """Give a live repository's row what its folder says."""
    session.execute(
        update(Repository)
        .where(Repository.id == repo_id, Repository.deleted_at.is_(None))
        .values({**values, "updated_at": now})
        .execution_options(synchronize_session=False)
    )


def store_fingerprints(session: Session, seen: Sequence[tuple[uuid.UUID, bytes | None]]) -> None:
    """Remember what was looked at."""
    if seen:
        values = [{"repo_id": repo_id, "seen": fingerprint} for repo_id, fingerprint in seen]
        execute_core(session, _STORE_FINGERPRINT, values)


def list_roots(session: Session) -> set[uuid.UUID]:
    """Return the ids of the volumes that were synced with this database."""
    return set(session.scalars(select(RepositoryRoot.id)))


def _drop_redirects(session: Session, keys: set[tuple[str, str]]) -> None:
    redirect = tuple_(RepositoryRedirect.owner_key, RepositoryRedirect.name_key)
    for chunk in _chunks(sorted(keys)):
        names = sorted({key[1] for key in chunk})
        query = select(RepositoryRedirect.owner_key, RepositoryRedirect.name_key).where(
            RepositoryRedirect.name_key.in_(names)
        )
        taken = {(owner, name) for owner, name in session.execute(query)} & set(chunk)
        if taken:
            session.execute(delete(RepositoryRedirect).where(redirect.in_(sorted(taken))))


def _insert_new(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, leaving out those of which a key is taken."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    execute_core(session, insert(table_of(model)).on_conflict_do_nothing(), rows)


def _known() -> AnySelect:
    return select(
        Repository.id,
        Repository.disk_path,
        Owner.name,
        Repository.name,
        Repository.description,
        Repository.visibility,
        Repository.default_branch,
        Repository.object_format,
        Repository.size_bytes,
        Repository.pushed_at,
        Repository.deleted_at,
    ).join(Owner, Owner.id == Repository.owner_id)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
