"""Accounts: created and listed, and the rules for passwords."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.paging import EVERYTHING, Span
from wit_admin.db.queries import users
from wit_admin.errors import ConflictError, InvalidInputError
from wit_admin.names import check_owner_name
from wit_admin.services.access.credentials import MAX_PASSWORD_BYTES, hash_password
from wit_admin.services.accounts.profiles import check_email
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_account

_MIN_PASSWORD = 8


@dataclass(frozen=True, slots=True)
class UserResult:
    """An account, and whether this call created it."""

    id: uuid.UUID
    username: str
    email: str | None
    is_admin: bool
    is_new: bool = True


def create_user(  # noqa: PLR0913  the fields of an account
    sessions: sessionmaker[Session],
    username: str,
    *,
    email: str | None = None,
    password: str | None = None,
    is_admin: bool = False,
    may_exist: bool = False,
    by: Origin = SYSTEM,
) -> UserResult:
    """Create an account; with ``may_exist`` an existing one is returned unchanged.

    Raises:
        InvalidInputError: The name, e-mail address or password is not valid.
        ConflictError: The name or the e-mail address is taken.
    """
    check_owner_name(username)
    if email is not None:
        check_email(email)
    if password is not None:
        check_password(password)
    # Hash the password before the transaction begins, because that takes long.
    hashed = hash_password(password) if password else None
    try:
        with sessions.begin() as session:
            user = users.create_user(
                session,
                username,
                email=email,
                password_hash=hashed,
                is_admin=is_admin,
                now=utc_now(),
            )
            made = {"email": user.email, "is_admin": is_admin, "password": password}
            record(session, Event("user.create", "user", user.id, username, after=made), by=by)
        return UserResult(user.id, username, user.email, is_admin)
    except ConflictError:
        standing = _standing(sessions, username)
        if standing is None or not may_exist:
            raise
        return standing


def _standing(sessions: sessionmaker[Session], username: str) -> UserResult | None:
    """Return the account that has this name already.

    Raises:
        ConflictError: It is a placeholder.
    """
    with sessions() as session:
        if users.find_user_id(session, username) is None:
            return None
        user = get_account(session, username)
        return UserResult(user.id, user.name, user.email, user.is_admin, is_new=False)


def check_password(password: str) -> None:
    """Check the length of a password.

    Raises:
        InvalidInputError: It is too short or too long.
    """
    if len(password) < _MIN_PASSWORD:
        raise InvalidInputError(f"A password has at least {_MIN_PASSWORD} characters.")
    if len(password.encode("utf-8", "surrogateescape")) > MAX_PASSWORD_BYTES:
        raise InvalidInputError(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")


def list_users(
    sessions: sessionmaker[Session],
    wanted: users.UserFilter = users.ANYBODY,
    *,
    part: Span = EVERYTHING,
) -> list[users.UserRow]:
    """Return the live accounts that are ``wanted``, by name."""
    with sessions() as session:
        return users.list_users(session, wanted, part=part)
