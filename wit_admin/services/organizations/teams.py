"""Teams of an organization: created, listed, edited, deleted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.organizations import Team
from wit_admin.db.paging import EVERYTHING, Span
from wit_admin.db.queries import teams as queries
from wit_admin.db.queries.teams import TeamEdit, TeamRow
from wit_admin.errors import ConflictError
from wit_admin.names import TeamName, check_team_name
from wit_admin.services.accounts.profiles import check_profile
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_organization, get_team


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


def create_team(
    sessions: sessionmaker[Session],
    name: TeamName,
    *,
    description: str | None = None,
    may_exist: bool = False,
    by: Origin = SYSTEM,
) -> TeamResult:
    """Create a team without members; with ``may_exist`` an existing one is returned unchanged.

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
        if was == edit:
            return _details(session, name, team)
        team = queries.update_team(session, team.id, now=utc_now(), **edit)
        details = _details(session, name, team)
        record(session, Event("team.edit", "team", team.id, str(name), was, edit), by=by)
        return details


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
