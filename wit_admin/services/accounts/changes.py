"""Changes of accounts: edited, claimed, new password, blocked, unblocked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import User
from wit_admin.db.queries import claims, organizations, ssh_keys, tokens, users
from wit_admin.db.queries import sessions as user_sessions
from wit_admin.db.queries.repository_lists import list_owned
from wit_admin.db.queries.tokens import TokenFilter
from wit_admin.db.queries.users import UserEdit
from wit_admin.errors import ConflictError
from wit_admin.services.access.credentials import hash_password
from wit_admin.services.accounts.accounts import check_password
from wit_admin.services.accounts.profiles import check_email, check_profile
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_account, get_user


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """What an operator wants to know of one account."""

    id: uuid.UUID
    username: str
    email: str | None
    full_name: str | None
    bio: str | None
    location: str | None
    website: str | None
    avatar_url: str | None
    is_admin: bool
    is_placeholder: bool
    has_password: bool
    blocked_at: datetime | None
    created_at: datetime
    repositories: int
    organizations: tuple[str, ...]
    tokens: int
    """The number of tokens that are not revoked."""
    ssh_keys: int


def show_user(sessions: sessionmaker[Session], username: str) -> AccountDetails:
    """Return one account.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions() as session:
        return _details(session, get_user(session, username))


def is_last_admin(sessions: sessionmaker[Session], username: str) -> bool:
    """Return whether no other account may administer the site; false if there is none so named."""
    with sessions() as session:
        user_id = users.find_user_id(session, username)
        return user_id is not None and users.is_last_admin(session, user_id)


def edit_user(
    sessions: sessionmaker[Session],
    username: str,
    *,
    by: Origin = SYSTEM,
    **edit: Unpack[UserEdit],
) -> AccountDetails:
    """Change an account's address, profile or rights.

    Raises:
        InvalidInputError: A detail cannot be used.
        NotFoundError: There is no such account.
        ConflictError: The e-mail address is taken.
    """
    if (email := edit.get("email")) is not None:
        check_email(email)
    check_profile(edit)
    with sessions.begin() as session:
        user = get_user(session, username)
        was = {field: getattr(user, field) for field in edit}
        if was == edit:
            return _details(session, user)
        users.update_user(session, user.id, now=utc_now(), **edit)
        details = _details(session, user)
        is_now = {field: getattr(user, field) for field in edit}
        record(session, Event("user.edit", "user", user.id, user.name, was, is_now), by=by)
        return details


def claim_user(
    sessions: sessionmaker[Session],
    username: str,
    *,
    email: str | None = None,
    password: str | None = None,
    by: Origin = SYSTEM,
) -> AccountDetails:
    """Turn a placeholder into an account, which keeps its repositories.

    Raises:
        InvalidInputError: The address or the password cannot be used.
        NotFoundError: There is no such placeholder.
        ConflictError: It is an account already, or the e-mail address is taken.
    """
    edit: UserEdit = {}
    if email is not None:
        check_email(email)
        edit["email"] = email
    if password is not None:
        check_password(password)
        edit["password_hash"] = hash_password(password)
    with sessions.begin() as session:
        user = get_user(session, username)
        if not claims.claim_user(session, user.id):
            raise ConflictError(
                f"{user.name} is an account already.",
                hint=f"To merge two accounts, see 'wit-admin user merge {user.name} OTHER'.",
            )
        user = users.update_user(session, user.id, now=utc_now(), **edit)
        details = _details(session, user)
        told = {"email": user.email, "password": password}
        record(session, Event("user.claim", "user", user.id, user.name, after=told), by=by)
        return details


def set_password(
    sessions: sessionmaker[Session], username: str, password: str, *, by: Origin = SYSTEM
) -> int:
    """Set the password of an account, end its sessions and return how many ended.

    Raises:
        InvalidInputError: The password cannot be used.
        NotFoundError: There is no such account.
        ConflictError: It is a placeholder, to which nobody can sign in.
    """
    check_password(password)
    hashed, now = hash_password(password), utc_now()
    with sessions.begin() as session:
        user = get_account(session, username)
        users.update_user(session, user.id, now=now, password_hash=hashed)
        ended = user_sessions.revoke_all(session, user.id, now)
        told = {"password": True, "ended_sessions": ended}
        record(session, Event("user.passwd", "user", user.id, user.name, after=told), by=by)
        return ended


def block_user(
    sessions: sessionmaker[Session], username: str, *, by: Origin = SYSTEM
) -> AccountDetails:
    """Block an account: sessions end for good, tokens and keys are suspended until it is unblocked.

    Blocking it again keeps the time of the first block.

    Raises:
        NotFoundError: There is no such account.
    """
    now = utc_now()
    with sessions.begin() as session:
        user = get_user(session, username)
        was = user.blocked_at
        if was is None:
            users.update_user(session, user.id, now=now, blocked_at=now)
        ended = user_sessions.revoke_all(session, user.id, now)
        details = _details(session, user)
        if was is None or ended:
            is_now = {"blocked_at": user.blocked_at, "ended_sessions": ended}
            event = Event("user.block", "user", user.id, user.name, {"blocked_at": was}, is_now)
            record(session, event, by=by)
        return details


def unblock_user(
    sessions: sessionmaker[Session], username: str, *, by: Origin = SYSTEM
) -> AccountDetails:
    """Unblock an account.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions.begin() as session:
        user = get_user(session, username)
        was = {"blocked_at": user.blocked_at}
        if user.blocked_at is None:
            return _details(session, user)
        users.update_user(session, user.id, now=utc_now(), blocked_at=None)
        details = _details(session, user)
        event = Event("user.unblock", "user", user.id, user.name, was, {"blocked_at": None})
        record(session, event, by=by)
        return details


def _details(session: Session, user: User) -> AccountDetails:
    return AccountDetails(
        id=user.id,
        username=user.name,
        email=user.email,
        full_name=user.full_name,
        bio=user.bio,
        location=user.location,
        website=user.website,
        avatar_url=user.avatar_url,
        is_admin=user.is_admin,
        is_placeholder=user.is_placeholder,
        has_password=user.password_hash is not None,
        blocked_at=user.blocked_at,
        created_at=user.created_at,
        repositories=sum(row.is_live for row in list_owned(session, user.id)),
        organizations=tuple(
            row.name for row in organizations.list_organizations_of(session, user.id)
        ),
        tokens=len(tokens.list_tokens(session, TokenFilter(user.id), now=utc_now())),
        ssh_keys=len(ssh_keys.list_ssh_keys(session, user.id)),
    )
