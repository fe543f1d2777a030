"""``wit-admin repo edit|rename|transfer``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, Repo, origin_of, output_of
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, run_task
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName

app = typer.Typer()


@app.command()
def edit(
    ctx: typer.Context,
    repo: Repo,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="New description; an empty one clears it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Edit the description of a repository

    Example: wit-admin repo edit alice/demo --description "A first try"
    """
    from wit_admin.services.repositories.edits import edit_repository

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        if description is None:
            raise InvalidInputError("Nothing to change.", hint="Give --description.")
        result = edit_repository(
            command.sessions, command.root, name, description=description or None, by=origin_of()
        )
    output.result(result, plain=str(result))


@app.command()
def rename(
    ctx: typer.Context,
    repo: Repo,
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name")],
    as_json: AsJson = False,
) -> None:
    """Rename a repository; its old URLs still lead to it

    Example: wit-admin repo rename alice/demo tools
    """
    from wit_admin.services.repositories.moves import rename_repository

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        result = rename_repository(command.sessions, command.root, name, new_name, by=origin_of())
    output.result(result, plain=str(result))


@app.command()
def transfer(
    ctx: typer.Context,
    repo: Repo,
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Its new owner")],
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Transfer a repository to another owner; its old URLs still lead to it

    Example: wit-admin repo transfer alice/demo acme --yes
    """
    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    consent = Consent(dry_run, yes=yes, no_input=no_input)
    with command_context(ctx) as command:
        run_task(
            output,
            command.plans().transfer(name, owner),
            consent,
            question=f"Transfer {name} to {owner}?",
        )
