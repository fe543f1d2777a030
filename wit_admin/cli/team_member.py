"""``wit-admin team member …``."""

from __future__ import annotations

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, Team, User, command_group, origin_of, output_of
from wit_admin.names import TeamName

app = command_group("Manage members of teams", example="wit-admin team member list acme/core")


@app.command("add")
def add_member(ctx: typer.Context, name: Team, user: User, as_json: AsJson = False) -> None:
    """Add a member of the organization to a team

    Example: wit-admin team member add acme/core bob
    """
    from wit_admin.services.organizations import team_members

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with command_context(ctx) as command:
        added = team_members.add_team_member(command.sessions, team, user, by=origin_of())
    if not added:
        output.note(f"{user} is in it already.")
    output.result({"team": str(team), "username": user, "is_changed": added}, plain=user)


@app.command("list")
def list_members(ctx: typer.Context, name: Team, as_json: AsJson = False) -> None:
    """List the members of a team

    Example: wit-admin team member list acme/core
    """
    from wit_admin.services.organizations import team_members

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with command_context(ctx) as command:
        rows = team_members.list_team_members(command.sessions, team)
    output.rows(rows, "username")


@app.command("remove")
def remove_member(ctx: typer.Context, name: Team, user: User, as_json: AsJson = False) -> None:
    """Remove a member from a team

    Example: wit-admin team member remove acme/core bob
    """
    from wit_admin.services.organizations import team_members

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with command_context(ctx) as command:
        team_members.remove_team_member(command.sessions, team, user, by=origin_of())
    output.result({"team": str(team), "username": user, "removed": True}, plain=user)
