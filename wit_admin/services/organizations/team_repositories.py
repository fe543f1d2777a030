"""What a team may do with repositories of its organization: granted, listed, revoked."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.organizations import Permission, Team
from wit_admin.db.queries import teams as queries
from wit_admin.db.queries.teams import TeamRepositoryRow
from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName, TeamName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_repository_id, get_team


def grant_team(
    sessions: sessionmaker[Session],
    name: TeamName,
    repository: str,
    permission: Permission,
    *,
    by: Origin = SYSTEM,
) -> TeamRepositoryRow:
    """Set the permission of a team on a repository of its organization.

    Raises:
        NotFoundError: There is no such team, or the organization has no such repository.
    """
    with sessions.begin() as session:
        team, repo_id = _team_and_repository(session, name, repository)
        old = queries.grant_team(session, team.id, repo_id, permission, now=utc_now())
        if old is not permission:
            was = None if old is None else {"repository": repository, "permission": old}
            told = {"repository": repository, "permission": permission}
            event = Event("team_repository.set", "team", team.id, str(name), was, told)
            record(session, event, by=by)
        return TeamRepositoryRow(repo_id, repository, permission)


def revoke_team(
    sessions: sessionmaker[Session], name: TeamName, repository: str, *, by: Origin = SYSTEM
) -> None:
    """Remove a team's permission on a repository.

    Raises:
        NotFoundError: There is no such team or repository, or it had no permission.
    """
    with sessions.begin() as session:
        team, repo_id = _team_and_repository(session, name, repository)
        old = queries.revoke_team(session, team.id, repo_id)
        if old is None:
            raise NotFoundError(
                f"{name} has no permission on {repository}.",
                hint=f"See 'wit-admin team repo list {name}'.",
            )
        told = {"repository": repository, "permission": old}
        event = Event("team_repository.remove", "team", team.id, str(name), told)
        record(session, event, by=by)


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
