"""Finds rows by the names that operators type; suggests a similar name if there is none."""

from __future__ import annotations

import difflib
import uuid

from sqlalchemy.orm import Session

from wit_admin.db.models.accounts import User
from wit_admin.db.models.organizations import Organization, Team
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import organizations, repositories, serving, teams, users
from wit_admin.db.queries.serving import OwnerRow
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.names import RepoName, TeamName

_NOBODY = uuid.UUID(int=0)


def get_user(session: Session, username: str) -> User:
    """Return the live account of that name, in any case.

    Raises:
        NotFoundError: There is no such name; the hint suggests a similar one.
    """
    user = users.find_user_by_name(session, username) if _may_be_name(username) else None
    if user is None:
        names = [row.username for row in users.list_users(session)]
        hint = _near(username, names) or "See 'wit-admin user list'."
        raise NotFoundError(f"There is no user {_shown(username)}.", hint=hint)
    return user


def get_account(session: Session, username: str) -> User:
    """Return the live account of that name, in any case, but no placeholder.

    Raises:
        NotFoundError: There is no such account.
        ConflictError: It is a placeholder.
    """
    user = get_user(session, username)
    if user.is_placeholder:
        raise ConflictError(
            f"{user.name} is a placeholder: it owns repositories that were found on disk.",
            hint=f"Make it an account with 'wit-admin user claim {user.name}'.",
        )
    return user


def get_organization(session: Session, name: str) -> Organization:
    """Return the live organization of that name, in any case.

    Raises:
        NotFoundError: There is no such name; the hint suggests a similar one.
    """
    found = organizations.find_organization_by_name(session, name) if _may_be_name(name) else None
    if found is None:
        names = [row.name for row in organizations.list_organizations(session)]
        hint = _near(name, names) or "See 'wit-admin org list'."
        raise NotFoundError(f"There is no organization {_shown(name)}.", hint=hint)
    return found


def get_team(session: Session, name: TeamName) -> Team:
    """Return the team of that name, in any case.

    Raises:
        NotFoundError: There is no such organization, or it has no such team.
    """
    organization = get_organization(session, name.organization)
    team = teams.find_team(session, organization.id, name.team)
    if team is None:
        raise NotFoundError(
            f"{organization.name} has no team {name.team}.",
            hint=f"See 'wit-admin team list {organization.name}'.",
        )
    return team


def get_repository_id(session: Session, name: RepoName) -> uuid.UUID:
    """Return the id of the live repository of that name.

    Raises:
        NotFoundError: There is none.
    """
    repo_id = repositories.find_repository_id(session, name)
    if repo_id is None:
        raise _no_repository(session, name)
    return repo_id


def get_repository(session: Session, name: RepoName) -> Repository:
    """Return the live repository of that name.

    Raises:
        NotFoundError: There is none.
    """
    row = repositories.find_repository_by_name(session, name)
    if row is None:
        raise _no_repository(session, name)
    return row


def get_repository_name(session: Session, repo_id: uuid.UUID) -> RepoName:
    """Return the present name of the live repository with this id.

    Raises:
        NotFoundError: There is none.
    """
    name = repositories.find_name(session, repo_id)
    if name is None:
        raise NotFoundError("There is no such repository any more.")
    return name


def was_renamed(session: Session, old: RepoName, new: RepoName) -> uuid.UUID | None:
    """Return the id of the live repository that was renamed from ``old`` to ``new``.

    After a rename was killed late, the user runs it again with the old name.
    """
    served = serving.find_served(session, old, None)
    same = served is not None and served.repo_id == repositories.find_repository_id(session, new)
    return served.repo_id if served is not None and same else None


def get_owner(session: Session, name: str) -> OwnerRow:
    """Return the live owner of that name, in any case; its ``role`` is not looked up.

    Raises:
        NotFoundError: There is none.
    """
    owner = serving.find_owner(session, name, _NOBODY)
    if owner is None:
        raise NotFoundError(f"There is no owner {name!r}.")
    return owner


def _may_be_name(text: str) -> bool:
    """Return whether a text may be a name; other texts may not even be storable."""
    return text.isascii() and text.isprintable()


def _near(name: str, names: list[str]) -> str | None:
    near = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {near[0]}?" if near else None


def _shown(name: str) -> str:
    return name.encode("unicode_escape").decode("ascii")


def _no_repository(session: Session, name: RepoName) -> NotFoundError:
    served = serving.find_served(session, name, None)
    present = None if served is None else repositories.find_name(session, served.repo_id)
    hint = f"It is called {present} now." if present else "See 'wit-admin repo list'."
    return NotFoundError(f"There is no repository {name}.", hint=hint)
