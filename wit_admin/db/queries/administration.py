"""What an operator lists: accounts, tokens, repositories, activity."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from wit_admin.db.models.accounts import AccessToken, Owner, User
from wit_admin.db.models.events import Activity
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.names import RepoName, name_key


@dataclass(frozen=True, slots=True)
class UserRow:
    """One account in a list."""

    id: uuid.UUID
    username: str
    email: str | None
    is_admin: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TokenListRow:
    """One access token in a list; ``hint`` is the end of its secret."""

    id: uuid.UUID
    username: str
    name: str
    hint: str
    scopes: str
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """One repository in a list."""

    id: uuid.UUID
    owner: str
    name: str
    visibility: Visibility
    default_branch: str
    pushed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One activity in a feed, newest first."""

    id: uuid.UUID
    created_at: datetime
    type: str
    actor: str | None
    repository: str
    ref: str | None
    before: str | None
    after: str | None


def list_users(session: Session) -> list[UserRow]:
    """Return all live accounts by name."""
    rows = session.execute(
        select(User.id, User.name, User.email, User.is_admin, User.created_at)
        .where(User.deleted_at.is_(None))
        .order_by(User.name_key)
    )
    return [UserRow(*row) for row in rows]


def find_user_id(session: Session, username: str) -> uuid.UUID | None:
    """Return the id of the live account of that name."""
    return session.scalars(
        select(User.id).where(User.name_key == name_key(username), User.deleted_at.is_(None))
    ).one_or_none()


def find_repository_id(session: Session, name: RepoName) -> uuid.UUID | None:
    """Return the id of the live repository of that name."""
    owner_key, repo_key = name.key
    return session.scalars(
        select(Repository.id)
        .join(Owner, Owner.id == Repository.owner_id)
        .where(
            Owner.name_key == owner_key,
            Repository.name_key == repo_key,
            Repository.deleted_at.is_(None),
        )
    ).one_or_none()


def list_tokens(session: Session, username: str | None) -> list[TokenListRow]:
    """Return tokens that are not revoked, oldest first."""
    query = (
        select(
            AccessToken.id,
            User.name,
            AccessToken.name,
            AccessToken.hint,
            AccessToken.scopes,
            AccessToken.expires_at,
            AccessToken.last_used_at,
        )
        .join(User, User.id == AccessToken.user_id)
        .where(AccessToken.revoked_at.is_(None))
        .order_by(AccessToken.id)
    )
    if username is not None:
        query = query.where(User.name_key == name_key(username))
    return [TokenListRow(*row) for row in session.execute(query)]


def revoke_token(session: Session, token_id: uuid.UUID, now: datetime) -> bool:
    """Revoke a token, keeping the time of the first time; false if there is none."""
    result = session.execute(
        update(AccessToken)
        .where(AccessToken.id == token_id)
        .values(revoked_at=func.coalesce(AccessToken.revoked_at, now))
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult


def list_repositories(session: Session) -> list[RepositoryRow]:
    """Return all live repositories by name."""
    rows = session.execute(
        select(
            Repository.id,
            Owner.name,
            Repository.name,
            Repository.visibility,
            Repository.default_branch,
            Repository.pushed_at,
        )
        .join(Owner, Owner.id == Repository.owner_id)
        .where(Repository.deleted_at.is_(None))
        .order_by(Owner.name_key, Repository.name_key)
    )
    return [RepositoryRow(*row) for row in rows]


def list_activity(
    session: Session, *, repository: RepoName | None, limit: int
) -> list[ActivityRow]:
    """Return the newest activities, of one repository or of all."""
    actor = aliased(Owner)
    query = (
        select(Activity, actor.name, Owner.name, Repository.name)
        .join(Repository, Repository.id == Activity.repo_id)
        .join(Owner, Owner.id == Repository.owner_id)
        .outerjoin(actor, actor.id == Activity.actor_id)
        .order_by(Activity.created_at.desc(), Activity.id.desc())
        .limit(limit)
    )
    if repository is not None:
        owner_key, repo_key = repository.key
        query = query.where(Owner.name_key == owner_key, Repository.name_key == repo_key)
    return [
        ActivityRow(
            row.id,
            row.created_at,
            row.type,
            actor_name,
            f"{owner}/{name}",
            row.ref,
            row.before,
            row.after,
        )
        for row, actor_name, owner, name in session.execute(query)
    ]
