"""``wit-admin repo …``; its commands stand in modules by subject."""

from __future__ import annotations

import typer

from wit_admin.cli import repo_changes, repo_create, repo_states, repo_trash
from wit_admin.cli._options import AsJson, command_group, loaded_of, output_of

app = command_group("Manage repositories", example="wit-admin repo list")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List repositories

    Example: wit-admin repo list --json
    """
    from wit_admin.forge import open_database
    from wit_admin.services import repositories

    output = output_of(ctx, as_json=as_json)
    with open_database(loaded_of(ctx).settings) as sessions:
        rows = repositories.list_repositories(sessions)
    output.rows(rows, "owner", "name", "visibility", "default_branch", "pushed_at")


for part in (repo_create, repo_changes, repo_states, repo_trash):
    app.add_typer(part.app)
