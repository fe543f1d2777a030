"""Access tokens: created, listed, revoked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.paging import EVERYTHING, Span
from wit_admin.db.queries import tokens
from wit_admin.db.queries.tokens import NewToken
from wit_admin.errors import NotFoundError
from wit_admin.git.refs.pattern import RefPattern
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Scope
from wit_admin.services.access.credentials import TOKEN_PREFIX, digest_secret, new_secret
from wit_admin.services.accounts.profiles import check_profile
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_account, get_repository_id, get_user

_HINT_LENGTH = 4


@dataclass(frozen=True, slots=True)
class TokenResult:
    """A new token; its secret is known only now."""

    id: uuid.UUID
    username: str
    token: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenOrder:
    """The limits of a new token."""

    name: str
    scopes: Sequence[Scope]
    repositories: Sequence[RepoName] = ()
    """The only repositories it is for; empty for all."""
    lifetime: timedelta | None = None
    """``None`` for a token that never expires."""
    ref: str | None = None
    """A pattern for the refs that it may change; ``None`` for all."""


def create_token(
    sessions: sessionmaker[Session],
    username: str,
    *,
    order: TokenOrder,
    by: Origin = SYSTEM,
) -> TokenResult:
    """Create an access token; only its digest is stored.

    Raises:
        NotFoundError: There is no such account or repository.
        ConflictError: It is a placeholder.
        InvalidInputError: The pattern for refs can match none, or the name is too long or has
            control characters.
    """
    check_profile({"name": order.name})
    secret = new_secret(TOKEN_PREFIX)
    ref_pattern = None if order.ref is None else RefPattern.parse(order.ref).text
    with sessions.begin() as session:
        new = NewToken(
            user_id=get_account(session, username).id,
            name=order.name,
            digest=digest_secret(secret),
            hint=secret[-_HINT_LENGTH:],
            scopes=" ".join(sorted(order.scopes)),
            expires_at=utc_now() + order.lifetime if order.lifetime else None,
            ref_pattern=ref_pattern,
        )
        limits = [get_repository_id(session, name) for name in order.repositories]
        token = tokens.create_token(session, new, repo_ids=limits, now=utc_now())
        made = {
            "user": username,
            "scopes": new.scopes,
            "repositories": [str(name) for name in order.repositories],
            "ref_pattern": ref_pattern,
            "expires_at": token.expires_at,
        }
        record(session, Event("token.create", "token", token.id, order.name, after=made), by=by)
    return TokenResult(token.id, username, secret, tuple(sorted(order.scopes)), token.expires_at)


def list_tokens(
    sessions: sessionmaker[Session],
    username: str | None,
    *,
    is_expired: bool | None = None,
    scope: Scope | None = None,
    part: Span = EVERYTHING,
) -> list[tokens.TokenListRow]:
    """Return access tokens that are not revoked, the newest first, of one account or of all.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions() as session:
        user_id = None if username is None else get_user(session, username).id
        wanted = tokens.TokenFilter(user_id, is_expired, scope)
        return tokens.list_tokens(session, wanted, now=utc_now(), part=part)


def revoke_token(
    sessions: sessionmaker[Session], token_id: uuid.UUID, *, by: Origin = SYSTEM
) -> None:
    """Revoke a token at once, in every worker; revoking it again changes nothing.

    Raises:
        NotFoundError: There is no such token.
    """
    with sessions.begin() as session:
        found = tokens.find_named(session, token_id)
        if found is None:
            raise NotFoundError(
                f"There is no token {token_id}.", hint="See 'wit-admin token list'."
            )
        if tokens.revoke_token(session, token_id, utc_now()):
            name, username = found
            event = Event("token.revoke", "token", token_id, name, before={"user": username})
            record(session, event, by=by)
