"""``wit-admin repo delete|restore|trash``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, Repo, command_group, lifetime_of, origin_of, output_of
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, run_task
from wit_admin.names import RepoName

app = typer.Typer()
trash_app = command_group("Manage deleted repositories", example="wit-admin repo trash list")
app.add_typer(trash_app, name="trash")


@app.command()
def delete(
    ctx: typer.Context,
    repos: Annotated[list[str], typer.Argument(metavar="OWNER/REPO...", help="Which ones")],
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Move repositories to the trash

    Restore them with: wit-admin repo restore

    Example: wit-admin repo delete alice/demo --yes
    """
    output = output_of(ctx, as_json=as_json)
    names = [RepoName.parse(repo) for repo in repos]
    consent = Consent(dry_run, yes=yes, no_input=no_input)
    with command_context(ctx) as command:
        run_task(output, command.plans().deletion(names), consent, question="Move to the trash?")


@app.command()
def restore(
    ctx: typer.Context,
    repo: Repo,
    as_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Another name, if its own is taken")
    ] = None,
    to_owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="OWNER", help="Restore it for another owner"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a deleted repository and everything that belongs to it

    Example: wit-admin repo restore alice/demo --as demo-2
    """
    from wit_admin.services.repositories import trash

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        result = trash.restore_repository(
            command.sessions, command.root, name, as_name=as_name, to_owner=to_owner, by=origin_of()
        )
    output.result(result, plain=str(result))


@trash_app.command("list")
def list_trash(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List deleted repositories, latest first

    Example: wit-admin repo trash list --json
    """
    from wit_admin.services.repositories import trash

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        rows = trash.list_trash(command.sessions)
    output.rows(rows, "owner", "name", "deleted_at", "id")


@trash_app.command("empty")
def empty_trash(
    ctx: typer.Context,
    repos: Annotated[
        list[str] | None, typer.Argument(metavar="OWNER/REPO...", help="Only these")
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Only what was deleted this long ago, such as 30d"),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Remove deleted repositories for good

    Example: wit-admin repo trash empty --older-than 30d --yes
    """
    output = output_of(ctx, as_json=as_json)
    names = [RepoName.parse(repo) for repo in repos or ()]
    age = None if older_than is None else lifetime_of(older_than)
    consent = Consent(dry_run, yes=yes, no_input=no_input)
    with command_context(ctx) as command:
        task = command.plans().emptying(names=names, older_than=age)
        run_task(output, task, consent, question="Remove for good?")
