"""Protected refs: set, listed, removed; and what a push has to know of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import UuidKey, new_id
from wit_admin.db.core import execute_core
from wit_admin.db.models.accounts import Owner, User
from wit_admin.db.models.organizations import Permission, Team, TeamMember
from wit_admin.db.models.repositories import (
    ProtectedRef,
    ProtectedRefTeam,
    ProtectedRefUser,
)
from wit_admin.db.statements import insert_new


@dataclass(frozen=True, slots=True)
class NewProtection:
    """The protection to set for the refs that a pattern matches."""

    pattern: str
    push_permission: Permission = Permission.WRITE
    """The lowest permission that may push."""
    allow_force: bool = False
    allow_delete: bool = False
    limits_pushers: bool = False
    """Only the named users and teams may push."""
    max_blob_bytes: int | None = None
    check_name: str | None = None
    user_ids: Sequence[uuid.UUID] = ()
    team_ids: Sequence[uuid.UUID] = ()


@dataclass(frozen=True, slots=True)
class _Terms:
    """The columns of a protection."""

    pattern: str
    push_permission: Permission
    allow_force: bool
    allow_delete: bool
    limits_pushers: bool
    max_blob_bytes: int | None
    check_name: str | None


@dataclass(frozen=True, slots=True)
class Protection(_Terms):
    """A protection as lists show it."""

    pushers: tuple[str, ...] = ()
    """Users by name, then teams as ``organization/team``."""


@dataclass(frozen=True, slots=True)
class RefRule(_Terms):
    """A protection as it applies to one user."""

    is_named: bool
    """Whether the user, or a team of theirs, is among those who may push."""


_COLUMNS = (
    ProtectedRef.pattern,
    ProtectedRef.push_permission,
    ProtectedRef.allow_force,
    ProtectedRef.allow_delete,
    ProtectedRef.limits_pushers,
    ProtectedRef.max_blob_bytes,
    ProtectedRef.check_name,
)


def set_protection(
    session: Session, repo_id: uuid.UUID, new: NewProtection, *, now: datetime
) -> None:
    """Protect refs; what the same pattern said before is replaced."""
    key = {"repo_id": repo_id, "pattern": new.pattern}
    values = {column.key: getattr(new, column.key) for column in _COLUMNS}
    if not insert_new(
        session, ProtectedRef, id=new_id(), repo_id=repo_id, created_at=now, **values
    ):
        session.execute(update(ProtectedRef).filter_by(**key).values(**values))
    # The row is locked by now, so that of two at once one sees what the other named.
    found = session.scalars(select(ProtectedRef.id).filter_by(**key)).one()
    for link in (ProtectedRefUser, ProtectedRefTeam):
        session.execute(delete(link).where(link.protected_ref_id == found))
    for user_id in new.user_ids:
        insert_new(session, ProtectedRefUser, protected_ref_id=found, user_id=user_id)
    for team_id in new.team_ids:
        insert_new(session, ProtectedRefTeam, protected_ref_id=found, team_id=team_id)


def remove_protection(session: Session, repo_id: uuid.UUID, pattern: str) -> bool:
    """Remove a protection; return false if there was none."""
    statement = delete(ProtectedRef).filter_by(repo_id=repo_id, pattern=pattern)
    return session.execute(statement.returning(ProtectedRef.id)).first() is not None


def find_protection(session: Session, repo_id: uuid.UUID, pattern: str) -> Protection | None:
    """Return the protection with this very pattern."""
    found = [row for row in list_protections(session, repo_id) if row.pattern == pattern]
    return found[0] if found else None


def list_protections(session: Session, repo_id: uuid.UUID) -> list[Protection]:
    """Return a repository's protections by pattern."""
    rows = session.execute(
        select(ProtectedRef.id, *_COLUMNS)
        .where(ProtectedRef.repo_id == repo_id)
        .order_by(ProtectedRef.pattern)
    ).all()
    pushers = _list_pushers(session, repo_id)
    return [Protection(*row[1:], pushers=tuple(pushers.get(row[0], ()))) for row in rows]


def move_pusher(session: Session, from_id: uuid.UUID, into_id: uuid.UUID) -> None:
    """Name one user where another is named among those who may push."""
    query = select(ProtectedRefUser.protected_ref_id).where(ProtectedRefUser.user_id == from_id)
    for protection in session.scalars(query).all():
        insert_new(session, ProtectedRefUser, protected_ref_id=protection, user_id=into_id)
    session.execute(delete(ProtectedRefUser).where(ProtectedRefUser.user_id == from_id))


def find_rules(session: Session, repo_id: uuid.UUID, user_id: uuid.UUID) -> tuple[RefRule, ...]:
    """Return what protects a repository's refs, as far as it concerns this user."""
    values = {"repo_id": repo_id, "user_id": user_id}
    return tuple(RefRule(*row) for row in execute_core(session, _rules(), values))


def _list_pushers(session: Session, repo_id: uuid.UUID) -> dict[uuid.UUID, list[str]]:
    users = session.execute(
        select(ProtectedRefUser.protected_ref_id, User.name)
        .join(User, User.id == ProtectedRefUser.user_id)
        .join(ProtectedRef, ProtectedRef.id == ProtectedRefUser.protected_ref_id)
        .where(ProtectedRef.repo_id == repo_id, User.deleted_at.is_(None))
        .order_by(User.name_key)
    )
    teams = session.execute(
        select(ProtectedRefTeam.protected_ref_id, Owner.name + "/" + Team.name)
        .join(Team, Team.id == ProtectedRefTeam.team_id)
        .join(Owner, Owner.id == Team.org_id)
        .join(ProtectedRef, ProtectedRef.id == ProtectedRefTeam.protected_ref_id)
        .where(ProtectedRef.repo_id == repo_id)
        .order_by(Owner.name_key, Team.name_key)
    )
    found: dict[uuid.UUID, list[str]] = {}
    for protection, name in (*users, *teams):
        found.setdefault(protection, []).append(name)
    return found


@cache
def _rules() -> Select[*tuple[Any, ...]]:
    user_id = bindparam("user_id", type_=UuidKey)
    named = exists().where(
        ProtectedRefUser.protected_ref_id == ProtectedRef.id, ProtectedRefUser.user_id == user_id
    )
    in_team = (
        exists()
        .where(ProtectedRefTeam.protected_ref_id == ProtectedRef.id)
        .where(TeamMember.team_id == ProtectedRefTeam.team_id, TeamMember.user_id == user_id)
    )
    return (
        select(*_COLUMNS, or_(named, in_team))
        .where(ProtectedRef.repo_id == bindparam("repo_id", type_=UuidKey))
        .order_by(ProtectedRef.pattern)
    )
