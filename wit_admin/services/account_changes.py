"""Accounts as they change: blocked and let in again, given a password, closed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import User
from wit_admin.db.queries import organizations, ssh_keys, tokens, users
from wit_admin.db.queries import sessions as sign_ins
from wit_admin.services.accounts import check_password
from wit_admin.services.audit import SYSTEM, Event, Origin, record
from wit_admin.services.credentials import hash_password
from wit_admin.services.lookups import get_user


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """What an operator wants to know of one account."""

    id: uuid.UUID
    username: str
    email: str | None
    is_admin: bool
    has_password: bool
    blocked_at: datetime | None
    created_at: datetime
    organizations: tuple[str, ...]
    tokens: int
    """Those that are not revoked."""
    ssh_keys: int


def show_user(sessions: sessionmaker[Session], username: str) -> AccountDetails:
    """Return one account.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions() as session:
        return _details(session, get_user(session, username))


def set_password(
    sessions: sessionmaker[Session], username: str, password: str, *, by: Origin = SYSTEM
) -> int:
    """Give an account a password, end its sessions and return how many those were.

    Raises:
        InvalidInputError: The password cannot be used.
        NotFoundError: There is no such account.
    """
    check_password(password)
    hashed, now = hash_password(password), utc_now()
    with sessions.begin() as session:
        user = get_user(session, username)
        users.update_user(session, user.id, now=now, password_hash=hashed)
        ended = sign_ins.revoke_all(session, user.id, now)
        record(session, Event("user.passwd", "user", user.id, user.name), by=by)
        return ended


def block_user(
    sessions: sessionmaker[Session], username: str, *, by: Origin = SYSTEM
) -> AccountDetails:
    """Let an account in no more: sessions end for good, tokens and keys rest until it is unblocked.

    Blocking again keeps the time of the first time.

    Raises:
        NotFoundError: There is no such account.
    """
    now = utc_now()
    with sessions.begin() as session:
        user = get_user(session, username)
        users.update_user(session, user.id, now=now, blocked_at=user.blocked_at or now)
        sign_ins.revoke_all(session, user.id, now)
        details = _details(session, user)
        record(session, Event("user.block", "user", user.id, user.name), by=by)
        return details


def unblock_user(
    sessions: sessionmaker[Session], username: str, *, by: Origin = SYSTEM
) -> AccountDetails:
    """Let a blocked account in again.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions.begin() as session:
        user = get_user(session, username)
        users.update_user(session, user.id, now=utc_now(), blocked_at=None)
        details = _details(session, user)
        record(session, Event("user.unblock", "user", user.id, user.name), by=by)
        return details


def _details(session: Session, user: User) -> AccountDetails:
    return AccountDetails(
        id=user.id,
        username=user.name,
        email=user.email,
        is_admin=user.is_admin,
        has_password=user.password_hash is not None,
        blocked_at=user.blocked_at,
        created_at=user.created_at,
        organizations=tuple(
            row.name for row in organizations.list_organizations_of(session, user.id)
        ),
        tokens=len(tokens.list_tokens(session, user.name)),
        ssh_keys=len(ssh_keys.list_ssh_keys(session, user.id)),
    )
