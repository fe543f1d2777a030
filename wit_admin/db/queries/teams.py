"""Teams of an organization: their members, and their permissions on repositories."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import User
from wit_admin.db.models.organizations import Permission, Team, TeamMember, TeamRepository
from wit_admin.db.models.repositories import Repository
from wit_admin.db.paging import EVERYTHING, Span, cut
from wit_admin.db.queries.members import find_role
from wit_admin.db.queries.organizations import lock_organization
from wit_admin.db.queries.permissions import set_permission
from wit_admin.db.statements import insert_new, refuse_duplicates
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.names import name_key


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One team in a list."""

    id: uuid.UUID
    name: str
    description: str | None
    members: int
    repositories: int


@dataclass(frozen=True, slots=True)
class TeamRepositoryRow:
    """What a team may do with one repository."""

    repo_id: uuid.UUID
    name: str
    permission: Permission


class TeamEdit(TypedDict, total=False):
    """What may be changed of a team."""

    name: str
    description: str | None


def create_team(
    session: Session,
    org_id: uuid.UUID,
    name: str,
    *,
    description: str | None = None,
    now: datetime,
) -> Team:
    """Create a team without members.

    Raises:
        NotFoundError: There is no such organization.
        ConflictError: The organization has a team of that name.
    """
    lock_organization(session, org_id)
    team = Team(
        id=new_id(),
        org_id=org_id,
        name=name,
        description=description,
        created_at=now,
        updated_at=now,
    )
    with refuse_duplicates(session, f"There is a team {name!r} already."):
        session.add(team)
    return team


def find_team(session: Session, org_id: uuid.UUID, name: str) -> Team | None:
    """Return the organization's team of that name, in any case."""
    return session.scalars(
        select(Team).where(Team.org_id == org_id, Team.name_key == name_key(name))
    ).one_or_none()


def list_teams(
    session: Session, org_id: uuid.UUID, text: str = "", *, part: Span = EVERYTHING
) -> list[TeamRow]:
    """Return an organization's teams by name, with ``text`` in it."""
    members, repositories = (
        select(func.count()).where(link.team_id == Team.id).scalar_subquery()
        for link in (TeamMember, TeamRepository)
    )
    query = select(Team.id, Team.name, Team.description, members, repositories).where(
        Team.org_id == org_id, Team.name_key.contains(name_key(text), autoescape=True)
    )
    return [TeamRow(*row) for row in session.execute(cut(query, Team.name_key, part))]


def update_team(
    session: Session, team_id: uuid.UUID, *, now: datetime, **edit: Unpack[TeamEdit]
) -> Team:
    """Change a team's name or description.

    Raises:
        NotFoundError: There is no such team.
        ConflictError: Another team of the organization has that name.
    """
    team = _get(session, team_id)
    with refuse_duplicates(session, f"There is a team {edit.get('name')!r} already."):
        for column, value in edit.items():
            setattr(team, column, value)
        team.name_key, team.updated_at = name_key(team.name), now
    return team


def delete_team(session: Session, team_id: uuid.UUID) -> bool:
    """Remove a team with its permissions; return false if there was none."""
    statement = delete(Team).where(Team.id == team_id).returning(Team.id)
    return session.scalars(statement).one_or_none() is not None


def add_team_member(
    session: Session, team_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime
) -> bool:
    """Add a member of the organization to a team; return false if they were in it already.

    Raises:
        NotFoundError: There is no such team.
        ConflictError: The user is not a member of the organization.
    """
    team = _get(session, team_id)
    # The organization before the team: the order in which deleting the organization locks them.
    lock_organization(session, team.org_id)
    _hold(session, team_id)
    if find_role(session, team.org_id, user_id) is None:
        raise ConflictError(
            "Only members of the organization can be in its teams.", hint="Add the member first."
        )
    return insert_new(session, TeamMember, team_id=team_id, user_id=user_id, created_at=now)


def remove_team_member(session: Session, team_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Remove a user from a team; return false if they were not in it."""
    statement = delete(TeamMember).where(
        TeamMember.team_id == team_id, TeamMember.user_id == user_id
    )
    return session.execute(statement.returning(TeamMember.user_id)).first() is not None


def list_team_members(session: Session, team_id: uuid.UUID) -> list[str]:
    """Return the names of a team's live members, sorted."""
    query = (
        select(User.name)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.team_id == team_id, User.deleted_at.is_(None))
        .order_by(User.name_key)
    )
    return list(session.scalars(query))


def grant_team(
    session: Session,
    team_id: uuid.UUID,
    repo_id: uuid.UUID,
    permission: Permission,
    *,
    now: datetime,
) -> Permission | None:
    """Set the permission of a team on a repository of its organization.

    Return the permission that it had before.

    Raises:
        NotFoundError: There is no such team, or the organization has no such repository.
    """
    team = _hold(session, team_id)
    owned = select(Repository.id).where(
        Repository.id == repo_id,
        Repository.owner_id == team.org_id,
        Repository.deleted_at.is_(None),
    )
    # It cannot be handed to another owner until the grant is there to be taken back.
    if session.scalars(owned.with_for_update(read=True)).one_or_none() is None:
        raise NotFoundError("The organization has no such repository.")
    key = {"team_id": team_id, "repo_id": repo_id}
    return set_permission(session, TeamRepository, key, permission, now=now)


def revoke_team(session: Session, team_id: uuid.UUID, repo_id: uuid.UUID) -> Permission | None:
    """Revoke a team's permission on a repository and return it; ``None`` if it had none."""
    statement = delete(TeamRepository).where(
        TeamRepository.team_id == team_id, TeamRepository.repo_id == repo_id
    )
    return session.scalars(statement.returning(TeamRepository.permission)).one_or_none()


def revoke_teams(session: Session, repo_id: uuid.UUID) -> None:
    """Revoke the permissions of all teams on a repository that leaves the organization."""
    session.execute(delete(TeamRepository).where(TeamRepository.repo_id == repo_id))


def list_team_repositories(session: Session, team_id: uuid.UUID) -> list[TeamRepositoryRow]:
    """Return the live repositories a team has permission on, by name."""
    rows = session.execute(
        select(Repository.id, Repository.name, TeamRepository.permission)
        .join(TeamRepository, TeamRepository.repo_id == Repository.id)
        .where(TeamRepository.team_id == team_id, Repository.deleted_at.is_(None))
        .order_by(Repository.name_key)
    )
    return [TeamRepositoryRow(*row) for row in rows]


def _hold(session: Session, team_id: uuid.UUID) -> Team:
    """Return a team, locked against removal until this transaction ends."""
    query = select(Team).where(Team.id == team_id).with_for_update(read=True, key_share=True)
    team = session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if team is None:
        raise NotFoundError("There is no such team.")
    return team


def _get(session: Session, team_id: uuid.UUID) -> Team:
    team = session.get(Team, team_id, populate_existing=True)
    if team is None:
        raise NotFoundError("There is no such team.")
    return team
