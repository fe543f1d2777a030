"""User accounts, found by id, name or e-mail address."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import OAuthAccount, User
from wit_admin.db.models.github import GitHubInstallation
from wit_admin.db.paging import (
    EVERYTHING,
    FIRST_PAGE,
    AnySelect,
    Order,
    Page,
    PageRequest,
    Span,
    cut,
    fetch_page,
)
from wit_admin.db.queries.members import leave_organizations
from wit_admin.db.queries.owners import refuse_owned_repositories
from wit_admin.db.statements import refuse_duplicates
from wit_admin.errors import NotFoundError
from wit_admin.names import name_key

_BY_NAME = Order("users.name", (User.name_key, User.id))
_COLUMNS = (
    User.id,
    User.name,
    User.email,
    User.is_admin,
    User.created_at,
    User.blocked_at,
    User.is_placeholder,
)


@dataclass(frozen=True, slots=True)
class UserRow:
    """One account in a list."""

    id: uuid.UUID
    username: str
    email: str | None
    is_admin: bool
    created_at: datetime
    blocked_at: datetime | None
    is_placeholder: bool


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which accounts are wanted; all conditions must hold; ``None`` is no condition."""

    text: str = ""
    """In the name or the full name, in any case."""
    is_admin: bool | None = None
    is_blocked: bool | None = None
    is_placeholder: bool | None = None


ANYBODY = UserFilter()


class UserEdit(TypedDict, total=False):
    """What may be changed of an account."""

    email: str | None
    full_name: str | None
    bio: str | None
    avatar_url: str | None
    location: str | None
    website: str | None
    password_hash: str | None
    is_admin: bool
    blocked_at: datetime | None


def create_user(
    session: Session, username: str, *, now: datetime, **details: Unpack[UserEdit]
) -> User:
    """Create an account; names and addresses differ in more than case.

    Raises:
        ConflictError: An owner has that name, or an account that address.
    """
    user = User(id=new_id(), name=username, created_at=now, updated_at=now)
    _assign(user, details)
    with refuse_duplicates(
        session,
        f"The name {username!r} or the e-mail address is taken.",
        hint="See 'wit-admin user list'.",
    ):
        session.add(user)
    return user


def find_user(session: Session, user_id: uuid.UUID) -> User | None:
    """Return the live account of that id."""
    return _find(session, User.id == user_id)


def find_user_by_name(session: Session, username: str) -> User | None:
    """Return the live account of that name, in any case."""
    return _find(session, User.name_key == name_key(username))


def find_user_by_email(session: Session, email: str) -> User | None:
    """Return the live account of that address, in any case."""
    return _find(session, User.email == email.lower())


def find_user_id(session: Session, username: str) -> uuid.UUID | None:
    """Return the id of the live account of that name."""
    return session.scalars(
        select(User.id).where(User.name_key == name_key(username), User.deleted_at.is_(None))
    ).one_or_none()


def is_last_admin(session: Session, user_id: uuid.UUID) -> bool:
    """Return whether this account may administer the site, and no other that is not blocked."""
    may = (User.is_admin.is_(True), User.blocked_at.is_(None), User.deleted_at.is_(None))
    # Two are enough to know.
    return list(session.scalars(select(User.id).where(*may).limit(2))) == [user_id]


def list_users(
    session: Session, wanted: UserFilter = ANYBODY, *, part: Span = EVERYTHING
) -> list[UserRow]:
    """Return the live accounts that are ``wanted``, by name."""
    rows = session.execute(cut(_listing(wanted), User.name_key, part))
    return [UserRow(*row) for row in rows]


def search_users(
    session: Session, text: str = "", *, at: PageRequest = FIRST_PAGE
) -> Page[UserRow]:
    """Return a page of live accounts by name, whose name or full name has ``text`` in it."""
    return fetch_page(session, _listing(UserFilter(text)), _BY_NAME, at, UserRow)


def update_user(
    session: Session, user_id: uuid.UUID, *, now: datetime, **edit: Unpack[UserEdit]
) -> User:
    """Change an account.

    Raises:
        NotFoundError: There is no such account.
        ConflictError: Another account has that address.
    """
    user = _get(session, user_id)
    with refuse_duplicates(session, "The e-mail address is taken."):
        _assign(user, edit)
        user.updated_at = now
    return user


def delete_user(session: Session, user_id: uuid.UUID, *, now: datetime) -> None:
    """Close an account: what it wrote stays, its name, address and accounts elsewhere are free.

    Raises:
        NotFoundError: There is no such account.
        ConflictError: It owns repositories, or alone owns an organization.
    """
    user = _get(session, user_id)
    refuse_owned_repositories(session, user)
    leave_organizations(session, user_id)
    for link in (OAuthAccount, GitHubInstallation):
        session.execute(delete(link).where(link.user_id == user_id))
    user.deleted_at = user.updated_at = now
    user.email = user.password_hash = None


def _listing(wanted: UserFilter) -> AnySelect:
    query = select(*_COLUMNS).where(User.deleted_at.is_(None))
    if wanted.text:
        query = query.where(
            or_(
                User.name_key.contains(name_key(wanted.text), autoescape=True),
                User.full_name.icontains(wanted.text, autoescape=True),
            )
        )
    asked: dict[ColumnElement[bool], bool | None] = {
        User.is_admin.is_(True): wanted.is_admin,
        User.blocked_at.is_not(None): wanted.is_blocked,
        User.is_placeholder.is_(True): wanted.is_placeholder,
    }
    answers = (holds if answer else ~holds for holds, answer in asked.items() if answer is not None)
    return query.where(*answers)


def _find(session: Session, condition: ColumnElement[bool]) -> User | None:
    query = select(User).where(condition, User.deleted_at.is_(None))
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def _get(session: Session, user_id: uuid.UUID) -> User:
    user = find_user(session, user_id)
    if user is None:
        raise NotFoundError("There is no such user.", hint="See 'wit-admin user list'.")
    return user


def _assign(user: User, edit: UserEdit) -> None:
    for column, value in edit.items():
        setattr(user, column, value)
    if user.email is not None:
        user.email = user.email.lower()
