"""``wit-admin collab …``."""

from __future__ import annotations

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    AsJson,
    Grant,
    Repo,
    User,
    command_group,
    origin_of,
    output_of,
    permission_of,
)
from wit_admin.names import RepoName

app = command_group("Manage collaborators", example="wit-admin collab list alice/demo")


@app.command()
def add(
    ctx: typer.Context,
    repo: Repo,
    user: User,
    permission: Grant = "write",
    as_json: AsJson = False,
) -> None:
    """Give a user access to a repository, or change the permission

    Example: wit-admin collab add alice/demo bob --permission read
    """
    from wit_admin.services.repositories import collaborators

    output = output_of(ctx, as_json=as_json)
    name, granted = RepoName.parse(repo), permission_of(permission)
    with command_context(ctx) as command:
        row = collaborators.add_collaborator(command.sessions, name, user, granted, by=origin_of())
    output.result(row, plain=row.username)


@app.command("list")
def list_(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """List the collaborators of a repository

    Example: wit-admin collab list alice/demo
    """
    from wit_admin.services.repositories import collaborators

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        rows = collaborators.list_collaborators(command.sessions, name)
    output.rows(rows, "username", "permission")


@app.command()
def remove(ctx: typer.Context, repo: Repo, user: User, as_json: AsJson = False) -> None:
    """Remove a collaborator

    Example: wit-admin collab remove alice/demo bob
    """
    from wit_admin.services.repositories import collaborators

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        collaborators.remove_collaborator(command.sessions, name, user, by=origin_of())
    output.result({"repository": str(name), "username": user, "removed": True}, plain=user)
