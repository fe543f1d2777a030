"""Queries of the git server on every request: one statement each, plain columns, no ORM rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    bindparam,
    case,
    exists,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.orm import QueryableAttribute, Session

from wit_admin.db.base import UuidKey
from wit_admin.db.core import execute_core
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.models.organizations import (
    OrgMember,
    OrgRole,
    Permission,
    TeamMember,
    TeamRepository,
)
from wit_admin.db.models.repositories import (
    Collaborator,
    ProtectedRef,
    Repository,
    RepositoryRedirect,
    Visibility,
)
from wit_admin.names import RepoName, name_key

_USER_ID = bindparam("user_id", type_=UuidKey)
_RANKS = (Permission.READ, Permission.WRITE, Permission.ADMIN)


@dataclass(frozen=True, slots=True)
class ServedRow:
    """One repository as the server needs it, with the caller's standing in it."""

    repo_id: uuid.UUID
    owner_id: uuid.UUID
    owner_type: OwnerType
    disk_path: str
    visibility: Visibility
    archived_at: datetime | None
    default_branch: str
    pushed_at: datetime | None
    permission: Permission | None
    has_protections: bool
    """Some of its refs are protected."""


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """An owner under whom a push may create, with the caller's role in it."""

    owner_id: uuid.UUID
    kind: OwnerType
    name: str
    role: OrgRole | None


def find_served(session: Session, name: RepoName, user_id: uuid.UUID | None) -> ServedRow | None:
    """Return the live repository of that name, by its present name or one it had before."""
    owner_key, repo_key = name.key
    values = {"owner_key": owner_key, "repo_key": repo_key, "user_id": user_id}
    signed_in = user_id is not None
    row = execute_core(session, _served_by_name(signed_in=signed_in), values).one_or_none()
    if row is None:
        row = (
            session.connection()
            .execute(_served_by_redirect(signed_in=signed_in), values)
            .one_or_none()
        )
    if row is None:
        return None
    rank = row[8]
    permission = _RANKS[rank - 1] if rank else None
    return ServedRow(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        permission=permission,
        has_protections=row[9],
    )


def find_owner(session: Session, name: str, user_id: uuid.UUID) -> OwnerRow | None:
    """Return the live owner of that name, and the role of ``user_id`` if it is an organization."""
    values = {"owner_key": name_key(name), "user_id": user_id}
    row = execute_core(session, _owner_by_name(), values).one_or_none()
    return None if row is None else OwnerRow(row[0], row[1], row[2], row[3])


# Statements are built once: building one takes as long as running it three times.


@cache
def _served_by_name(*, signed_in: bool) -> Select[*tuple[Any, ...]]:
    return (
        _served(signed_in=signed_in)
        .join(Owner, Owner.id == Repository.owner_id)
        .where(
            Owner.name_key == bindparam("owner_key"),
            Owner.deleted_at.is_(None),
            Repository.name_key == bindparam("repo_key"),
        )
    )


@cache
def _served_by_redirect(*, signed_in: bool) -> Select[*tuple[Any, ...]]:
    return (
        _served(signed_in=signed_in)
        .join(RepositoryRedirect, RepositoryRedirect.repo_id == Repository.id)
        .where(
            RepositoryRedirect.owner_key == bindparam("owner_key"),
            RepositoryRedirect.name_key == bindparam("repo_key"),
        )
    )


def _served(*, signed_in: bool) -> Select[*tuple[Any, ...]]:
    return select(
        Repository.id,
        Repository.owner_id,
        Repository.owner_type,
        Repository.disk_path,
        Repository.visibility,
        Repository.archived_at,
        Repository.default_branch,
        Repository.pushed_at,
        _standing() if signed_in else null(),
        exists().where(ProtectedRef.repo_id == Repository.id),
    ).where(Repository.deleted_at.is_(None))


@cache
def _owner_by_name() -> Select[*tuple[Any, ...]]:
    role = (
        select(OrgMember.role)
        .where(OrgMember.org_id == Owner.id, OrgMember.user_id == _USER_ID)
        .scalar_subquery()
    )
    return select(Owner.id, Owner.kind, Owner.name, role).where(
        Owner.name_key == bindparam("owner_key"), Owner.deleted_at.is_(None)
    )


def _standing() -> ColumnElement[int | None]:
    """Return the highest rank that collaboration, teams and organization give; null for none."""
    collaboration = (
        select(_rank(Collaborator.permission))
        .where(Collaborator.repo_id == Repository.id, Collaborator.user_id == _USER_ID)
        .scalar_subquery()
    )
    teams = (
        select(func.max(_rank(TeamRepository.permission)))
        .join(TeamMember, TeamMember.team_id == TeamRepository.team_id)
        .where(TeamRepository.repo_id == Repository.id, TeamMember.user_id == _USER_ID)
        .scalar_subquery()
    )
    membership = (
        select(case((OrgMember.role == OrgRole.MEMBER, 1), else_=3))
        .where(OrgMember.org_id == Repository.owner_id, OrgMember.user_id == _USER_ID)
        .scalar_subquery()
    )
    return _greatest(collaboration, teams, membership)


def _rank(permission: QueryableAttribute[Permission]) -> ColumnElement[int]:
    return case(
        *((permission == kind, rank) for rank, kind in enumerate(_RANKS, start=1)),
        else_=0,
    )


def _greatest(*ranks: ScalarSelect[int]) -> ColumnElement[int | None]:
    # Neither engine spells GREATEST as the other does; each rank is 1 to 3 or null.
    return case(
        *((or_(*(func.coalesce(rank, 0) >= level for rank in ranks)), level) for level in (3, 2, 1))
    )
