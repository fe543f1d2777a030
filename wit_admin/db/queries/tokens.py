"""Access tokens: created, listed, revoked; ``callers`` looks one up by its secret."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import AccessToken, AccessTokenRepository, Owner, User
from wit_admin.db.models.repositories import Repository
from wit_admin.db.paging import EVERYTHING, Span, cut
from wit_admin.db.statements import insert_new


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is good for; the secret itself is never kept."""

    user_id: uuid.UUID
    name: str
    digest: bytes
    hint: str
    scopes: str
    """Sorted, separated by spaces."""
    expires_at: datetime | None = None
    ref_pattern: str | None = None


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
    ref_pattern: str | None
    repositories: tuple[str, ...] = ()
    """The only ones it is for, those in the trash too; empty for all."""


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens are wanted; all conditions must hold; ``None`` is no condition."""

    user_id: uuid.UUID | None = None
    is_expired: bool | None = None
    scope: str | None = None


def create_token(
    session: Session, new: NewToken, *, repo_ids: Sequence[uuid.UUID] = (), now: datetime
) -> AccessToken:
    """Create a token, for these repositories only if any are given."""
    token = AccessToken(
        id=new_id(),
        user_id=new.user_id,
        name=new.name,
        digest=new.digest,
        hint=new.hint,
        scopes=new.scopes,
        ref_pattern=new.ref_pattern,
        is_limited=bool(repo_ids),
        created_at=now,
        expires_at=new.expires_at,
    )
    session.add(token)
    # The limits below refer to it.
    session.flush()
    for repo_id in repo_ids:
        insert_new(session, AccessTokenRepository, token_id=token.id, repo_id=repo_id)
    return token


def list_tokens(
    session: Session, wanted: TokenFilter, *, now: datetime, part: Span = EVERYTHING
) -> list[TokenListRow]:
    """Return the tokens that are ``wanted`` and not revoked, the newest first."""
    conditions = (AccessToken.revoked_at.is_(None), *_conditions(wanted, now))
    query = (
        select(
            AccessToken.id,
            User.name,
            AccessToken.name,
            AccessToken.hint,
            AccessToken.scopes,
            AccessToken.expires_at,
            AccessToken.last_used_at,
            AccessToken.ref_pattern,
        )
        .join(User, User.id == AccessToken.user_id)
        .where(*conditions)
    )
    rows = session.execute(cut(query, AccessToken.id, part, descending=True)).all()
    limits = _list_limits(session, rows[-1].id, rows[0].id, *conditions) if rows else {}
    tokens = [TokenListRow(*row) for row in rows]
    return [replace(token, repositories=tuple(limits.get(token.id, ()))) for token in tokens]


def find_named(session: Session, token_id: uuid.UUID) -> tuple[str, str] | None:
    """Return what a token is called and whose it is, be it revoked or not."""
    row = session.execute(
        select(AccessToken.name, Owner.name)
        .join(Owner, Owner.id == AccessToken.user_id)
        .where(AccessToken.id == token_id)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def revoke_token(session: Session, token_id: uuid.UUID, now: datetime) -> bool:
    """Revoke a token; return false if there is none, or it was revoked before."""
    statement = (
        update(AccessToken)
        .where(AccessToken.id == token_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return session.execute(statement.returning(AccessToken.id)).first() is not None


def revoke_tokens_of(session: Session, user_id: uuid.UUID, now: datetime) -> int:
    """Revoke all tokens of an account that are not revoked yet; return how many."""
    revoked = session.execute(
        update(AccessToken)
        .where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(AccessToken.id)
    )
    return len(revoked.all())


def revoke_tokens_for_only(session: Session, repo_id: uuid.UUID, now: datetime) -> list[str]:
    """Revoke the tokens that are limited to this one repository, and return their names.

    Whoever drops the repository's row does so, since the limit goes with it, and the token is good
    for nothing from then on.
    """
    limit = AccessTokenRepository
    limits = select(limit.repo_id).where(limit.token_id == AccessToken.id)
    revoked = session.execute(
        update(AccessToken)
        .where(
            AccessToken.revoked_at.is_(None),
            limits.where(limit.repo_id == repo_id).exists(),
            ~limits.where(limit.repo_id != repo_id).exists(),
        )
        .values(revoked_at=now)
        .returning(AccessToken.name)
    )
    return sorted(revoked.scalars())


def _list_limits(
    session: Session, first: uuid.UUID, last: uuid.UUID, *conditions: ColumnElement[bool]
) -> dict[uuid.UUID, list[str]]:
    """Return the names of the repositories that tokens with these ids are limited to."""
    query = (
        select(AccessTokenRepository.token_id, Owner.name, Repository.name)
        .join(AccessToken, AccessToken.id == AccessTokenRepository.token_id)
        .join(Repository, Repository.id == AccessTokenRepository.repo_id)
        .join(Owner, Owner.id == Repository.owner_id)
        .where(AccessToken.id.between(first, last), *conditions)
        .order_by(Owner.name_key, Repository.name_key)
    )
    limits = defaultdict[uuid.UUID, list[str]](list)
    for token_id, owner, name in session.execute(query):
        limits[token_id].append(f"{owner}/{name}")
    return limits


def _conditions(wanted: TokenFilter, now: datetime) -> Iterator[ColumnElement[bool]]:
    if wanted.user_id is not None:
        yield AccessToken.user_id == wanted.user_id
    if wanted.is_expired is not None:
        # An expiry that is null is never over.
        is_over = func.coalesce(AccessToken.expires_at <= now, False)
        yield is_over if wanted.is_expired else ~is_over
    if wanted.scope is not None:
        spaced = literal(" ") + AccessToken.scopes + literal(" ")
        yield spaced.contains(f" {wanted.scope} ", autoescape=True)
