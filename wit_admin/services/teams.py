"""Teams of an organization: their members, and what these may do with which repositories."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.organizations import Permission, Team
from wit_admin.db.paging import EVERYTHING, Span
from wit_admin.db.queries import teams as queries
from wit_admin.db.queries.teams import TeamEdit, TeamRepositoryRow, TeamRow
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.names import RepoName, TeamName, check_team_name
from wit_admin.services.audit import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_organization, get_repository_id, get_team, get_user
from wit_admin.services.profiles import check_profile


@dataclass(frozen=True, slots=True)
class TeamResult:
    """A team after a change, and whether there was anything to do."""

    id: uuid.UUID
    organization: str
    name: str
    is_changed: bool

    def __str__(self) -> str:
        return f"{self.organization}/{self.name}"


@dataclass(frozen=True, slots=True)
class TeamDetails:
    """What an operator wants to know of one team."""

    id: uuid.UUID
    organization: str
    name: str
    description: str | None
    created_at: datetime
    members: tuple[str, ...]
    repositories: tuple[str, ...]
    """Name and permission of each: ``demo write``."""


@dataclass(frozen=True, slots=True)
class TeamMember:
    """One member in a list."""

    username: str


def create_team(
    sessions: sessionmaker[Session],
    name: TeamName,
    *,
    description: str | None = None,
    may_exist: bool = False,
    by: Origin = SYSTEM,
) -> TeamResult:
    """Make a team without members; one that is there is left as it is if it ``may_exist``.

    Raises:
        InvalidInputError: The description cannot be used.
        NotFoundError: There is no such organization.
        ConflictError: The organization has a team of that name.
    """
    check_profile({"description": description})
    try:
        with sessions.begin() as session:
            org = get_organization(session, name.organization)
            team = queries.create_team(
                session, org.id, name.team, description=description, now=utc_now()
            )
            made = {"description": description}
            event = Event("team.create", "team", team.id, f"{org.name}/{team.name}", after=made)
            record(session, event, by=by)
            return TeamResult(team.id, org.name, team.name, is_changed=True)
    except ConflictError:
        if not may_exist:
            raise
        with sessions() as session:
            team = get_team(session, name)
            return TeamResult(team.id, name.organization, team.name, is_changed=False)


def list_teams(
    sessions: sessionmaker[Session],
    organization: str,
    text: str = "",
    *,
    part: Span = EVERYTHING,
) -> list[TeamRow]:
    """Return an organization's teams by name, with ``text`` in it.

    Raises:
        NotFoundError: There is no such organization.
    """
    with sessions() as session:
        org = get_organization(session, organization)
        return queries.list_teams(session, org.id, text, part=part)


def show_team(sessions: sessionmaker[Session], name: TeamName) -> TeamDetails:
    """Return one team.

    Raises:
        NotFoundError: There is no such organization or team.
    """
    with sessions() as session:
        return _details(session, name, get_team(session, name))


def edit_team(
    sessions: sessionmaker[Session],
    name: TeamName,
    edit: TeamEdit,
    *,
    by: Origin = SYSTEM,
) -> TeamDetails:
    """Change a team's name or description.

    Raises:
        InvalidInputError: The new name or the description cannot be used.
        NotFoundError: There is no such organization or team.
        ConflictError: Another team of the organization has that name.
    """
    if "name" in edit:
        check_team_name(edit["name"])
    check_profile(edit)
    with sessions.begin() as session:
        team = get_team(session, name)
        was = {field: getattr(team, field) for field in edit}
        team = queries.update_team(session, team.id, now=utc_now(), **edit)
        details = _details(session, name, team)
        record(session, Event("team.edit", "team", team.id, str(name), was, edit), by=by)
        return details


def delete_team(sessions: sessionmaker[Session], name: TeamName, *, by: Origin = SYSTEM) -> None:
    """Remove a team and what it permitted, at once; its members stay in the organization.

    Raises:
        NotFoundError: There is no such organization or team.
    """
    with sessions.begin() as session:
        team = get_team(session, name)
        queries.delete_team(session, team.id)
        record(session, Event("team.delete", "team", team.id, str(name)), by=by)


def add_team_member(
    sessions: sessionmaker[Session], name: TeamName, username: str, *, by: Origin = SYSTEM
) -> bool:
    """Put a member of the organization into a team; false for who is in it already.

    Raises:
        NotFoundError: There is no such team or account.
        ConflictError: The user is no member of the organization.
    """
    with sessions.begin() as session:
        team, user = get_team(session, name), get_user(session, username)
        added = queries.add_team_member(session, team.id, user.id, now=utc_now())
        if added:
            told = {"user": user.name}
            record(session, Event("team_member.add", "team", team.id, str(name), None, told), by=by)
        return added


def remove_team_member(
    sessions: sessionmaker[Session], name: TeamName, username: str, *, by: Origin = SYSTEM
) -> None:
    """Take somebody out of a team.

    Raises:
        NotFoundError: There is no such team or account, or it is not in the team.
    """
    with sessions.begin() as session:
        team, user = get_team(session, name), get_user(session, username)
        if not queries.remove_team_member(session, team.id, user.id):
            raise NotFoundError(
                f"{user.name} is not in {name}.",
                hint=f"See 'wit-admin team member list {name}'.",
            )
        told = {"user": user.name}
        record(session, Event("team_member.remove", "team", team.id, str(name), told), by=by)


def grant_team(
    sessions: sessionmaker[Session],
    name: TeamName,
    repository: str,
    permission: Permission,
    *,
    by: Origin = SYSTEM,
) -> TeamRepositoryRow:
    """Let a team do this much, and no more, with a repository of its organization.

    Raises:
        NotFoundError: There is no such team, or the organization has no such repository.
    """
    with sessions.begin() as session:
        team, repo_id = _team_and_repository(session, name, repository)
        queries.grant_team(session, team.id, repo_id, permission, now=utc_now())
        told = {"repository": repository, "permission": permission}
        record(session, Event("team_repository.set", "team", team.id, str(name), None, told), by=by)
        return TeamRepositoryRow(repo_id, repository, permission)


def revoke_team(
    sessions: sessionmaker[Session], name: TeamName, repository: str, *, by: Origin = SYSTEM
) -> None:
    """Take a team's permission on a repository back, at once.

    Raises:
        NotFoundError: There is no such team or repository, or it had no permission.
    """
    with sessions.begin() as session:
        team, repo_id = _team_and_repository(session, name, repository)
        if not queries.revoke_team(session, team.id, repo_id):
            raise NotFoundError(
                f"{name} has no permission on {repository}.",
                hint=f"See 'wit-admin team repo list {name}'.",
            )
        told = {"repository": repository}
        event = Event("team_repository.remove", "team", team.id, str(name), told)
        record(session, event, by=by)


def list_team_members(sessions: sessionmaker[Session], name: TeamName) -> list[TeamMember]:
    """Return a team's members by name.

    Raises:
        NotFoundError: There is no such organization or team.
    """
    with sessions() as session:
        names = queries.list_team_members(session, get_team(session, name).id)
        return [TeamMember(username) for username in names]


def list_team_repositories(
    sessions: sessionmaker[Session], name: TeamName
) -> list[TeamRepositoryRow]:
    """Return the repositories a team has permission on, by name.

    Raises:
        NotFoundError: There is no such organization or team.
    """
    with sessions() as session:
        return queries.list_team_repositories(session, get_team(session, name).id)


def _team_and_repository(
    session: Session, name: TeamName, repository: str
) -> tuple[Team, uuid.UUID]:
    team = get_team(session, name)
    return team, get_repository_id(session, RepoName(name.organization, repository))


def _details(session: Session, name: TeamName, team: Team) -> TeamDetails:
    repositories = queries.list_team_repositories(session, team.id)
    return TeamDetails(
        id=team.id,
        organization=name.organization,
        name=team.name,
        description=team.description,
        created_at=team.created_at,
        members=tuple(queries.list_team_members(session, team.id)),
        repositories=tuple(f"{row.name} {row.permission.value}" for row in repositories),
    )
