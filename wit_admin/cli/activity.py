"""``wit-admin activity …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, PageLimit, command_group, output_of
from wit_admin.names import RepoName

app = command_group("Show what happened", example="wit-admin activity list")


@app.command("list")
def list_(
    ctx: typer.Context,
    repository: Annotated[
        str | None, typer.Argument(metavar="OWNER/REPO", help="Only of this repository")
    ] = None,
    limit: PageLimit = 50,
    as_json: AsJson = False,
) -> None:
    """List pushes, clones and the like, newest first

    Example: wit-admin activity list alice/demo --json
    """
    from wit_admin.services.repositories.listing import list_activity

    output = output_of(ctx, as_json=as_json)
    name = None if repository is None else RepoName.parse(repository)
    with command_context(ctx) as command:
        rows = list_activity(command.sessions, repository=name, limit=limit)
    columns = ("created_at", "type", "kind", "actor", "repository", "ref", "before", "after")
    output.rows(rows, *columns)
