"""``wit-admin repo archive|unarchive|visibility|set-head``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, Repo, origin_of, output_of
from wit_admin.cli._repo import Visibility
from wit_admin.names import RepoName

app = typer.Typer()


@app.command()
def archive(
    ctx: typer.Context,
    repo: Repo,
    as_json: AsJson = False,
) -> None:
    """Archive a repository: it refuses pushes

    Example: wit-admin repo archive alice/demo
    """
    _set_archived(ctx, repo, archived=True, as_json=as_json)


@app.command()
def unarchive(
    ctx: typer.Context,
    repo: Repo,
    as_json: AsJson = False,
) -> None:
    """Unarchive a repository: it accepts pushes again

    Example: wit-admin repo unarchive alice/demo
    """
    _set_archived(ctx, repo, archived=False, as_json=as_json)


def _set_archived(ctx: typer.Context, repo: str, *, archived: bool, as_json: bool) -> None:
    from wit_admin.services.repositories import edits

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        result = edits.set_archived(
            command.sessions, command.root, name, archived=archived, by=origin_of()
        )
    output.result(result, plain=str(result))


@app.command()
def visibility(
    ctx: typer.Context,
    repo: Repo,
    who: Annotated[Visibility, typer.Argument(metavar="public|private", help="Who may read it")],
    as_json: AsJson = False,
) -> None:
    """Set who may read a repository

    Example: wit-admin repo visibility alice/demo private
    """
    from wit_admin.db.models import repositories as models
    from wit_admin.services.repositories import edits

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        result = edits.set_visibility(
            command.sessions, command.root, name, models.Visibility(who), by=origin_of()
        )
    output.result(result, plain=str(result))


@app.command("set-head")
def set_head(
    ctx: typer.Context,
    repo: Repo,
    branch: Annotated[str, typer.Argument(metavar="BRANCH", help="An existing branch")],
    as_json: AsJson = False,
) -> None:
    """Choose the branch that a clone checks out

    Example: wit-admin repo set-head alice/demo trunk
    """
    from wit_admin.services.repositories import edits

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        result = edits.set_head(command.sessions, command.root, name, branch, by=origin_of())
    output.result(result, plain=str(result))
