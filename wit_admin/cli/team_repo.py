"""``wit-admin team repo …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    AsJson,
    Grant,
    Team,
    command_group,
    origin_of,
    output_of,
    permission_of,
)
from wit_admin.errors import InvalidInputError
from wit_admin.names import TeamName, name_key

Repo = Annotated[
    str, typer.Argument(metavar="REPO", help="A repository of the organization; or ORG/REPO")
]

app = command_group(
    "Manage teams' access to repositories", example="wit-admin team repo list acme/core"
)


@app.command("add")
def add_repo(
    ctx: typer.Context,
    name: Team,
    repo: Repo,
    permission: Grant = "write",
    as_json: AsJson = False,
) -> None:
    """Give a team access to a repository, or change its permission

    Example: wit-admin team repo add acme/core demo --permission read
    """
    from wit_admin.services.organizations import team_repositories

    output = output_of(ctx, as_json=as_json)
    team, granted = TeamName.parse(name), permission_of(permission)
    repo = _own_repo(team, repo)
    with command_context(ctx) as command:
        row = team_repositories.grant_team(command.sessions, team, repo, granted, by=origin_of())
    output.result(row, plain=row.name)


@app.command("list")
def list_repos(ctx: typer.Context, name: Team, as_json: AsJson = False) -> None:
    """List the repositories that a team has access to

    Example: wit-admin team repo list acme/core
    """
    from wit_admin.services.organizations import team_repositories

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with command_context(ctx) as command:
        rows = team_repositories.list_team_repositories(command.sessions, team)
    output.rows(rows, "name", "permission")


@app.command("remove")
def remove_repo(ctx: typer.Context, name: Team, repo: Repo, as_json: AsJson = False) -> None:
    """Remove a team's access to a repository

    Example: wit-admin team repo remove acme/core demo
    """
    from wit_admin.services.organizations import team_repositories

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    repo = _own_repo(team, repo)
    with command_context(ctx) as command:
        team_repositories.revoke_team(command.sessions, team, repo, by=origin_of())
    output.result({"team": str(team), "repository": repo, "removed": True}, plain=repo)


def _own_repo(team: TeamName, repo: str) -> str:
    """Return the name alone; the organization may stand before it, as everywhere else."""
    owner, _, name = repo.rpartition("/")
    if owner and name_key(owner) != name_key(team.organization):
        raise InvalidInputError(
            f"{team} can get access to repositories of {team.organization} only."
        )
    return name
