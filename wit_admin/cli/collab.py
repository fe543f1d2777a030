"""``wit-admin collab …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._options import (
    AsJson,
    command_group,
    loaded_of,
    origin_of,
    output_of,
    permission_of,
)
from wit_admin.names import RepoName

Repository = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="Name of the repository")]
User = Annotated[str, typer.Argument(metavar="USER", help="Name of the account")]

app = command_group("Manage collaborators", example="wit-admin collab list alice/demo")


@app.command()
def add(
    ctx: typer.Context,
    repository: Repository,
    user: User,
    permission: Annotated[str, typer.Option(help="read, write or admin")] = "write",
    as_json: AsJson = False,
) -> None:
    """Let a user into a repository, or change what the user may do

    Example: wit-admin collab add alice/demo bob --permission read
    """
    from wit_admin.forge import open_database
    from wit_admin.services import collaborators

    output = output_of(ctx, as_json=as_json)
    name, granted = RepoName.parse(repository), permission_of(permission)
    with open_database(loaded_of(ctx).settings) as sessions:
        row = collaborators.add_collaborator(sessions, name, user, granted, by=origin_of())
    output.result(row, plain=row.username)


@app.command("list")
def list_(ctx: typer.Context, repository: Repository, as_json: AsJson = False) -> None:
    """List the collaborators of a repository

    Example: wit-admin collab list alice/demo
    """
    from wit_admin.forge import open_database
    from wit_admin.services import collaborators

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repository)
    with open_database(loaded_of(ctx).settings) as sessions:
        rows = collaborators.list_collaborators(sessions, name)
    output.rows(rows, "username", "permission")


@app.command()
def remove(ctx: typer.Context, repository: Repository, user: User, as_json: AsJson = False) -> None:
    """Take a collaborator's permission back

    Example: wit-admin collab remove alice/demo bob
    """
    from wit_admin.forge import open_database
    from wit_admin.services import collaborators

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repository)
    with open_database(loaded_of(ctx).settings) as sessions:
        collaborators.remove_collaborator(sessions, name, user, by=origin_of())
    output.result({"repository": str(name), "username": user, "removed": True}, plain=user)
