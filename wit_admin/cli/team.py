"""``wit-admin team …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli import team_member, team_repo
from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    AfterName,
    AsJson,
    IfNotExists,
    Limit,
    Match,
    Team,
    command_group,
    origin_of,
    output_of,
    part_by_name,
    require_changes,
)
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, run_task
from wit_admin.names import TeamName

Description = Annotated[str | None, typer.Option(help="Description")]

app = command_group("Manage teams", example="wit-admin team list acme")
app.add_typer(team_member.app, name="member")
app.add_typer(team_repo.app, name="repo")


@app.command()
def create(
    ctx: typer.Context,
    name: Team,
    description: Description = None,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Create a team without members

    Example: wit-admin team create acme/core
    """
    from wit_admin.services.organizations import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with command_context(ctx) as command:
        result = teams.create_team(
            command.sessions, team, description=description, may_exist=if_not_exists, by=origin_of()
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
    from wit_admin.services.organizations import teams

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        rows = teams.list_teams(
            command.sessions, organization, match, part=part_by_name(after, limit)
        )
    output.rows(rows, "name", "members", "repositories", "description")


@app.command()
def show(ctx: typer.Context, name: Team, as_json: AsJson = False) -> None:
    """Show a team, its members and its repositories

    Example: wit-admin team show acme/core
    """
    from wit_admin.services.organizations import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    with command_context(ctx) as command:
        details = teams.show_team(command.sessions, team)
    output.fields(details)


@app.command()
def edit(
    ctx: typer.Context,
    name: Team,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name")] = None,
    description: Description = None,
    as_json: AsJson = False,
) -> None:
    """Change a team's name or description

    An empty description clears it.

    Example: wit-admin team edit acme/core --name kernel
    """
    from wit_admin.db.queries.teams import TeamEdit
    from wit_admin.services.organizations import teams

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    changes = TeamEdit()
    if new_name is not None:
        changes["name"] = new_name
    if description is not None:
        changes["description"] = description or None
    with command_context(ctx) as command:
        require_changes(changes)
        details = teams.edit_team(command.sessions, team, changes, by=origin_of())
    output.fields(details)


@app.command()
def delete(
    ctx: typer.Context,
    name: Team,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Delete a team and its permissions

    Its members stay in the organization, its repositories stay as they are.

    Example: wit-admin team delete acme/core --yes
    """
    from wit_admin.services.organizations.team_removal import TeamRemoval

    output = output_of(ctx, as_json=as_json)
    team = TeamName.parse(name)
    consent = Consent(dry_run, yes=yes, no_input=no_input)
    with command_context(ctx) as command:
        removal = TeamRemoval(command.sessions, team, origin_of())
        task = removal.task(command.settings.run_dir)
        run_task(output, task, consent, question=f"Delete the team {team}?")
