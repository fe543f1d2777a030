"""Each source of a user's permission on a repository; ``serving`` combines them in SQL."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import AccessToken, Owner, User
from wit_admin.db.models.organizations import (
    OrgMember,
    Permission,
    Team,
    TeamMember,
    TeamRepository,
)
from wit_admin.db.models.repositories import Collaborator, Repository
from wit_admin.names import name_key


@dataclass(frozen=True, slots=True)
class TeamGrant:
    """The permission that a team of the user has on a repository."""

    organization: str
    team: str
    permission: Permission


@dataclass(frozen=True, slots=True)
class Standing:
    """All that gives a user a permission on a repository."""

    collaboration: Permission | None
    organization: str | None
    """The owner's name, if the user is in it."""
    role: str | None
    teams: tuple[TeamGrant, ...]


@dataclass(frozen=True, slots=True)
class AccountState:
    """What keeps an account from signing in, if anything."""

    deleted_at: datetime | None
    blocked_at: datetime | None
    is_placeholder: bool


@dataclass(frozen=True, slots=True)
class TokenState:
    """Whose a token is, and what keeps it from being used."""

    token_id: uuid.UUID
    user_id: uuid.UUID
    expires_at: datetime | None
    revoked_at: datetime | None


def find_standing(session: Session, repo_id: uuid.UUID, user_id: uuid.UUID) -> Standing:
    """Return where a user's permission in a repository comes from."""
    collaboration = session.scalar(
        select(Collaborator.permission).filter_by(repo_id=repo_id, user_id=user_id)
    )
    member = session.execute(
        select(Owner.name, OrgMember.role)
        .join(Repository, Repository.owner_id == Owner.id)
        .join(OrgMember, OrgMember.org_id == Owner.id)
        .where(Repository.id == repo_id, OrgMember.user_id == user_id)
    ).one_or_none()
    teams = session.execute(
        select(Owner.name, Team.name, TeamRepository.permission)
        .join(Owner, Owner.id == Team.org_id)
        .join(TeamRepository, TeamRepository.team_id == Team.id)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamRepository.repo_id == repo_id, TeamMember.user_id == user_id)
        .order_by(Owner.name_key, Team.name_key)
    )
    organization, role = (None, None) if member is None else member
    return Standing(collaboration, organization, role, tuple(TeamGrant(*row) for row in teams))


def find_account_state(session: Session, username: str) -> AccountState | None:
    """Return the state of the account that has, or last had, this name."""
    row = session.execute(
        select(User.deleted_at, User.blocked_at, User.is_placeholder)
        .where(User.name_key == name_key(username))
        .order_by(User.deleted_at.is_not(None), User.deleted_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else AccountState(*row)


def find_token_state(session: Session, key: bytes | uuid.UUID) -> TokenState | None:
    """Return the state of the token with this id, or with this digest of its secret."""
    is_it = AccessToken.digest == key if isinstance(key, bytes) else AccessToken.id == key
    row = session.execute(
        select(
            AccessToken.id, AccessToken.user_id, AccessToken.expires_at, AccessToken.revoked_at
        ).where(is_it)
    ).one_or_none()
    return None if row is None else TokenState(*row)
