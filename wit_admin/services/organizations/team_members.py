"""Members of a team: added, listed, removed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.queries import teams as queries
from wit_admin.errors import NotFoundError
from wit_admin.names import TeamName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_team, get_user


@dataclass(frozen=True, slots=True)
class TeamMember:
    """One member in a list."""

    username: str


def add_team_member(
    sessions: sessionmaker[Session], name: TeamName, username: str, *, by: Origin = SYSTEM
) -> bool:
    """Add a member of the organization to a team; return false if the user is in it already.

    Raises:
        NotFoundError: There is no such team or account.
        ConflictError: The user is not a member of the organization.
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
    """Remove a member from a team.

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


def list_team_members(sessions: sessionmaker[Session], name: TeamName) -> list[TeamMember]:
    """Return a team's members by name.

    Raises:
        NotFoundError: There is no such organization or team.
    """
    with sessions() as session:
        names = queries.list_team_members(session, get_team(session, name).id)
        return [TeamMember(username) for username in names]
