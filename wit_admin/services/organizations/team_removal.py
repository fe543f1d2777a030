"""Removes teams, with the permissions that they gave."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import teams
from wit_admin.names import TeamName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.locks import Lock
from wit_admin.services.organizations.teams import show_team
from wit_admin.services.plans import Action, Plan, Task


@dataclass(frozen=True, slots=True)
class RemoveTeam(Action):
    """Remove one team."""

    team_id: uuid.UUID
    name: TeamName
    members: tuple[str, ...]
    repositories: tuple[str, ...]
    kind = "delete-team"
    is_destructive = True

    @property
    def target(self) -> str:
        """Organization and name."""
        return str(self.name)

    @property
    def sentence(self) -> str:
        """What the members lose."""
        return (
            f"Its members ({len(self.members)}) lose its permissions on repositories "
            f"({len(self.repositories)}); they stay in {self.name.organization}."
        )


@dataclass(frozen=True, slots=True)
class TeamRemoval:
    """The removal of one team."""

    sessions: sessionmaker[Session]
    name: TeamName
    by: Origin = SYSTEM

    def task(self, run_dir: Path) -> Task[RemoveTeam]:
        """Return the task, which callers can show, confirm and apply."""
        return Task(self.build, self.perform, Lock(self.sessions, run_dir, "team-delete"))

    def build(self) -> Plan[RemoveTeam]:
        """Plan the removal.

        Raises:
            NotFoundError: There is no such organization or team.
        """
        team = show_team(self.sessions, self.name)
        name = TeamName(team.organization, team.name)
        return Plan((RemoveTeam(team.id, name, team.members, team.repositories),))

    def perform(self, action: RemoveTeam) -> None:
        """Remove the team, if that is still needed."""
        with self.sessions.begin() as session:
            if teams.delete_team(session, action.team_id):
                told = {"members": action.members, "repositories": action.repositories}
                event = Event("team.delete", "team", action.team_id, str(action.name), told)
                record(session, event, by=self.by)
