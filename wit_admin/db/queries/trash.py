"""Soft-deleted repositories: their rows stay until they are restored or purged."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import Repository
from wit_admin.db.paging import AnySelect
from wit_admin.db.queries.counters import Counter, bump
from wit_admin.db.queries.owners import lock_owner
from wit_admin.db.queries.repositories import drop_redirect
from wit_admin.db.queries.teams import revoke_teams
from wit_admin.db.queries.tokens import revoke_tokens_for_only
from wit_admin.db.statements import refuse_duplicates
from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName, name_key

_LATEST_FIRST = (Repository.deleted_at.desc(), Repository.id.desc())


@dataclass(frozen=True, slots=True)
class TrashedRow:
    """A deleted repository."""

    id: uuid.UUID
    owner: str
    name: str
    deleted_at: datetime
    is_owner_gone: bool
    """It was closed; another may have its name by now."""


def list_trash(session: Session, *, before: datetime | None = None) -> list[TrashedRow]:
    """Return what was deleted, latest first; only what was deleted ``before``, if given."""
    query = _listing()
    if before is not None:
        query = query.where(Repository.deleted_at <= before)
    return [TrashedRow(*row) for row in session.execute(query)]


def find_trashed(session: Session, name: RepoName) -> TrashedRow | None:
    """Return the repository of that name that was deleted last.

    Those of the owner who has the name now come before those of one who had it and is closed.
    """
    owner_key, repo_key = name.key
    query = _listing().where(Owner.name_key == owner_key, Repository.name_key == repo_key)
    is_closed = Owner.deleted_at.is_not(None)
    query = query.order_by(None).order_by(is_closed, *_LATEST_FIRST).limit(1)
    row = session.execute(query).one_or_none()
    return None if row is None else TrashedRow(*row)


def find_trashed_by_id(session: Session, repo_id: uuid.UUID) -> TrashedRow | None:
    """Return a repository if it is deleted, and not purged yet."""
    row = session.execute(_listing().where(Repository.id == repo_id)).one_or_none()
    return None if row is None else TrashedRow(*row)


def restore_repository(  # noqa: PLR0913  the row as it comes back
    session: Session,
    repo_id: uuid.UUID,
    *,
    name: str,
    disk_path: str,
    now: datetime,
    owner_id: uuid.UUID | None = None,
) -> None:
    """Undelete a repository whose objects are at ``disk_path`` already.

    It keeps its owner, unless ``owner_id`` is given.

    Raises:
        NotFoundError: It is not in the trash, or the owner is gone.
        ConflictError: The owner has a repository of that name, or the path is another's.
    """
    trashed = select(Repository).where(Repository.id == repo_id, Repository.deleted_at.is_not(None))
    row = session.scalars(trashed.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such repository in the trash.")
    owner_id = owner_id or row.owner_id
    owner_type = lock_owner(session, owner_id)
    with refuse_duplicates(
        session, f"There is a repository {name!r} already.", hint="Choose another name with --as."
    ):
        session.execute(
            update(Repository)
            .where(Repository.id == repo_id)
            .values(
                owner_id=owner_id,
                owner_type=owner_type,
                name=name,
                name_key=name_key(name),
                disk_path=disk_path,
                deleted_at=None,
                updated_at=now,
            )
            .execution_options(synchronize_session=False)
        )
    if owner_id != row.owner_id:
        revoke_teams(session, repo_id)
    owner_key = session.scalars(select(Owner.name_key).where(Owner.id == owner_id)).one()
    drop_redirect(session, owner_key, name_key(name))
    if row.forked_from_id is not None:
        bump(session, row.forked_from_id, Counter.FORKS, 1)


def hand_over_trash(session: Session, old_owner_id: uuid.UUID, new_owner_id: uuid.UUID) -> None:
    """Give what an owner has in the trash to another owner.

    Raises:
        NotFoundError: There is no such new owner.
    """
    owner_type = lock_owner(session, new_owner_id)
    handed_over = session.scalars(
        update(Repository)
        .where(Repository.owner_id == old_owner_id, Repository.deleted_at.is_not(None))
        .values(owner_id=new_owner_id, owner_type=owner_type)
        .returning(Repository.id)
        .execution_options(synchronize_session=False)
    )
    for repo_id in handed_over.all():
        revoke_teams(session, repo_id)


def purge_repository(session: Session, repo_id: uuid.UUID, now: datetime) -> list[str]:
    """Drop a deleted repository's row and all that hangs on it.

    Tokens that were limited to it alone are revoked; return their names.
    """
    revoked = revoke_tokens_for_only(session, repo_id, now)
    session.execute(
        delete(Repository).where(Repository.id == repo_id, Repository.deleted_at.is_not(None))
    )
    return revoked


def _listing() -> AnySelect:
    return (
        select(
            Repository.id,
            Owner.name,
            Repository.name,
            Repository.deleted_at,
            Owner.deleted_at.is_not(None),
        )
        .join(Owner, Owner.id == Repository.owner_id)
        .where(Repository.deleted_at.is_not(None))
        .order_by(*_LATEST_FIRST)
    )
