"""What the git server asks on every request: one statement each, plain columns, no ORM rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, case, func, or_, select, update
from sqlalchemy.orm import QueryableAttribute, Session

from wit_admin.db.models.accounts import (
    AccessToken,
    AccessTokenRepository,
    Owner,
    OwnerType,
    User,
    UserSession,
)
from wit_admin.db.models.organizations import (
    OrgMember,
    OrgRole,
    Permission,
    TeamMember,
    TeamRepository,
)
from wit_admin.db.models.repositories import (
    Collaborator,
    Repository,
    RepositoryRedirect,
    Visibility,
)
from wit_admin.names import RepoName, name_key

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


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """An owner under whom a push may create, with the caller's role in it."""

    owner_id: uuid.UUID
    kind: OwnerType
    name: str
    role: OrgRole | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as signing in needs it."""

    user_id: uuid.UUID
    username: str
    is_admin: bool
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An access token that is good now, and its account."""

    account: AccountRow
    token_id: uuid.UUID
    scopes: str
    ref_pattern: str | None
    repo_ids: frozenset[uuid.UUID]
    last_used_at: datetime | None


def find_served(session: Session, name: RepoName, user_id: uuid.UUID | None) -> ServedRow | None:
    """Return the live repository of that name, by its present name or one it had before."""
    columns = (
        Repository.id,
        Repository.owner_id,
        Repository.owner_type,
        Repository.disk_path,
        Repository.visibility,
        Repository.archived_at,
        Repository.default_branch,
        Repository.pushed_at,
        _standing(user_id),
    )
    owner_key, repo_key = name.key
    live = select(*columns).where(Repository.deleted_at.is_(None))
    row = session.execute(
        live.join(Owner, Owner.id == Repository.owner_id).where(
            Owner.name_key == owner_key,
            Owner.deleted_at.is_(None),
            Repository.name_key == repo_key,
        )
    ).one_or_none()
    if row is None:
        row = session.execute(
            live.join(RepositoryRedirect, RepositoryRedirect.repo_id == Repository.id).where(
                RepositoryRedirect.owner_key == owner_key,
                RepositoryRedirect.name_key == repo_key,
            )
        ).one_or_none()
    if row is None:
        return None
    rank = row[8]
    permission = _RANKS[rank - 1] if rank else None
    return ServedRow(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], permission=permission
    )


def find_owner(session: Session, name: str, user_id: uuid.UUID) -> OwnerRow | None:
    """Return the live owner of that name, and the role of ``user_id`` if it is an organization."""
    role = (
        select(OrgMember.role)
        .where(OrgMember.org_id == Owner.id, OrgMember.user_id == user_id)
        .scalar_subquery()
    )
    row = session.execute(
        select(Owner.id, Owner.kind, Owner.name, role).where(
            Owner.name_key == name_key(name), Owner.deleted_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else OwnerRow(row[0], row[1], row[2], row[3])


def find_account(session: Session, username: str) -> AccountRow | None:
    """Return the account of that name if it may sign in: live, not blocked, no placeholder."""
    row = session.execute(
        select(User.id, User.name, User.is_admin, User.password_hash).where(
            User.name_key == name_key(username), *_may_sign_in()
        )
    ).one_or_none()
    return None if row is None else AccountRow(row[0], row[1], row[2], row[3])


def find_session(session: Session, digest: bytes, now: datetime) -> AccountRow | None:
    """Return whose session it is, if it is neither expired nor revoked."""
    row = session.execute(
        select(User.id, User.name, User.is_admin)
        .join(UserSession, UserSession.user_id == User.id)
        .where(
            UserSession.token_digest == digest,
            UserSession.expires_at > now,
            UserSession.revoked_at.is_(None),
            *_may_sign_in(),
        )
    ).one_or_none()
    return None if row is None else AccountRow(row[0], row[1], row[2], None)


def find_token(session: Session, digest: bytes, now: datetime) -> TokenRow | None:
    """Return the token and its account, if it is neither expired nor revoked."""
    row = session.execute(
        select(
            User.id,
            User.name,
            User.is_admin,
            AccessToken.id,
            AccessToken.scopes,
            AccessToken.ref_pattern,
            AccessToken.last_used_at,
        )
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(
            AccessToken.digest == digest,
            or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > now),
            AccessToken.revoked_at.is_(None),
            *_may_sign_in(),
        )
    ).one_or_none()
    if row is None:
        return None
    limits = session.scalars(
        select(AccessTokenRepository.repo_id).where(AccessTokenRepository.token_id == row[3])
    )
    return TokenRow(
        AccountRow(row[0], row[1], row[2], None),
        token_id=row[3],
        scopes=row[4],
        ref_pattern=row[5],
        repo_ids=frozenset(limits),
        last_used_at=row[6],
    )


def touch_token(
    session: Session, token_id: uuid.UUID, now: datetime, *, at_most_every: timedelta
) -> None:
    """Note that the token was used, unless that was noted within ``at_most_every``."""
    session.execute(
        update(AccessToken)
        .where(
            AccessToken.id == token_id,
            or_(
                AccessToken.last_used_at.is_(None),
                AccessToken.last_used_at < now - at_most_every,
            ),
        )
        .values(last_used_at=now)
    )


def _may_sign_in() -> tuple[ColumnElement[bool], ...]:
    return (
        User.deleted_at.is_(None),
        User.blocked_at.is_(None),
        User.is_placeholder.is_(False),
    )


def _standing(user_id: uuid.UUID | None) -> ColumnElement[int | None]:
    """The rank of the most that collaboration, teams and organization give; null for nothing."""
    if user_id is None:
        return case((Repository.id.is_(None), 1))
    collaboration = (
        select(_rank(Collaborator.permission))
        .where(Collaborator.repo_id == Repository.id, Collaborator.user_id == user_id)
        .scalar_subquery()
    )
    teams = (
        select(func.max(_rank(TeamRepository.permission)))
        .join(TeamMember, TeamMember.team_id == TeamRepository.team_id)
        .where(TeamRepository.repo_id == Repository.id, TeamMember.user_id == user_id)
        .scalar_subquery()
    )
    membership = (
        select(case((OrgMember.role == OrgRole.MEMBER, 1), else_=3))
        .where(OrgMember.org_id == Repository.owner_id, OrgMember.user_id == user_id)
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
