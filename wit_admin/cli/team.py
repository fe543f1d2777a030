"""``wit-admin team …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._options import (
    AfterName,
    AsJson,
    Grant,
    IfNotExists,
    Limit,
    Match,
    User,
    command_group,
    origin_of,
    output_of,
    part_by_name,
    permission_of,
    require_changes,
)
from wit_admin.cli._place import place
from wit_admin.errors import InvalidInputError
from wit_admin.names import TeamName, name_key

Name = Annotated[str, typer.Argument(metavar="ORG/TEAM", help="Which team")]
Repo = Annotated[
    str, typer.Argument(metavar="REPO", help="A repository of the organization; or ORG/REPO")
]
Description = Annotated[str | None, typer.Option(help="What it is for")]

app = command_group("Manage teams", example="wit-admin team list acme")
member_app = command_group(
    "Manage members of teams", example="wit-admin team member list acme/core"
)
repo_app = command_group(
    "Manage what teams may do with repositories", example="wit-admin team repo list acme/core"
)
app.add_typer(member_app, name="member")
app.add_typer(repo_app, name="repo")


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    description: Description = None,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Make a team without members

    Example: wit-admin team create acme/core
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with place(ctx) as here:
        result = teams.create_team(
            here.sessions, team, description=description, may_exist=if_not_exists, by=origin_of()
        )
    output.note("Created it." if result.is_changed else "It exists already.")
    output.result(result, plain=str(result))


@app.command("list")
def list_(
    ctx: typer.Context,
    organization: Annotated[str, typer.Argument(metavar="ORG", help="Whose teams")],
    match: Match = "",
    limit: Limit = None,
    after: AfterName = None,
    as_json: AsJson = False,
) -> None:
    """List the teams of an organization by name

    Example: wit-admin team list acme
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        rows = teams.list_teams(here.sessions, organization, match, part=part_by_name(after, limit))
    output.rows(rows, "name", "members", "repositories", "description")


@app.command()
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a team, its members and its repositories

    Example: wit-admin team show acme/core
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with place(ctx) as here:
        details = teams.show_team(here.sessions, team)
    output.fields(details)


@app.command()
def edit(
    ctx: typer.Context,
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name")] = None,
    description: Description = None,
    as_json: AsJson = False,
) -> None:
    """Change a team's name or description

    An empty description takes it away.

    Example: wit-admin team edit acme/core --name kernel
    """
    from wit_admin.db.queries.teams import TeamEdit
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    changes = TeamEdit()
    if new_name is not None:
        changes["name"] = new_name
    if description is not None:
        changes["description"] = description or None
    with place(ctx) as here:
        require_changes(changes)
        details = teams.edit_team(here.sessions, team, changes, by=origin_of())
    output.fields(details)


@app.command()
def delete(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a team and what it permitted, at once

    Its members stay in the organization, its repositories stay as they are.

    Example: wit-admin team delete acme/core --yes
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    output.confirm(f"Remove the team {team}?", yes=yes)
    with place(ctx) as here:
        teams.delete_team(here.sessions, team, by=origin_of())
    output.result({"team": str(team), "deleted": True}, plain=str(team))


@member_app.command("add")
def add_member(ctx: typer.Context, name: Name, user: User, as_json: AsJson = False) -> None:
    """Put a member of the organization into a team

    Example: wit-admin team member add acme/core bob
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with place(ctx) as here:
        added = teams.add_team_member(here.sessions, team, user, by=origin_of())
    if not added:
        output.note(f"{user} is in it already.")
    output.result({"team": str(team), "username": user, "is_changed": added}, plain=user)


@member_app.command("list")
def list_members(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """List the members of a team

    Example: wit-admin team member list acme/core
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with place(ctx) as here:
        rows = teams.list_team_members(here.sessions, team)
    output.rows(rows, "username")


@member_app.command("remove")
def remove_member(ctx: typer.Context, name: Name, user: User, as_json: AsJson = False) -> None:
    """Take somebody out of a team

    Example: wit-admin team member remove acme/core bob
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with place(ctx) as here:
        teams.remove_team_member(here.sessions, team, user, by=origin_of())
    output.result({"team": str(team), "username": user, "removed": True}, plain=user)


@repo_app.command("add")
def add_repo(
    ctx: typer.Context,
    name: Name,
    repo: Repo,
    permission: Grant = "write",
    as_json: AsJson = False,
) -> None:
    """Let a team into a repository, or change what it may do

    Example: wit-admin team repo add acme/core demo --permission read
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team, granted = TeamName.parse(name), permission_of(permission)
    repo = _own_repo(team, repo)
    with place(ctx) as here:
        row = teams.grant_team(here.sessions, team, repo, granted, by=origin_of())
    output.result(row, plain=row.name)


@repo_app.command("list")
def list_repos(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """List the repositories that a team may do something with

    Example: wit-admin team repo list acme/core
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with place(ctx) as here:
        rows = teams.list_team_repositories(here.sessions, team)
    output.rows(rows, "name", "permission")


@repo_app.command("remove")
def remove_repo(ctx: typer.Context, name: Name, repo: Repo, as_json: AsJson = False) -> None:
    """Take a team's permission on a repository back, at once

    Example: wit-admin team repo remove acme/core demo
    """
    from wit_admin.services import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    repo = _own_repo(team, repo)
    with place(ctx) as here:
        teams.revoke_team(here.sessions, team, repo, by=origin_of())
    output.result({"team": str(team), "repository": repo, "removed": True}, plain=repo)


def _own_repo(team: TeamName, repo: str) -> str:
    """Return the name alone; the organization may stand before it, as everywhere else."""
    owner, _, name = repo.rpartition("/")
    if owner and name_key(owner) != name_key(team.organization):
        raise InvalidInputError(f"{team} is let into repositories of {team.organization} only.")
    return name
