"""``wit-admin repo stats|gc``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, Repo, origin_of, output_of
from wit_admin.cli._plans import Consent, DryRun, run_task
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName

if TYPE_CHECKING:
    from wit_admin.services.repositories.maintenance import Maintenance

app = typer.Typer()


@app.command()
def stats(
    ctx: typer.Context,
    repo: Repo,
    largest: Annotated[
        int, typer.Option(metavar="N", help="Also the N largest blobs, of all objects", min=0)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Show statistics of a repository

    Example: wit-admin repo stats alice/demo --largest 5
    """
    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with _maintenance(ctx) as maintenance:
        counted = maintenance.count(name, largest=largest)
    output.fields(counted)


@app.command()
def gc(
    ctx: typer.Context,
    repos: Annotated[
        list[str] | None, typer.Argument(metavar="OWNER/REPO...", help="Which ones")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every repository that needs it")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Repack everything into one pack: slow, but smallest")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Pack repositories for speed, while they are being served

    A repository in good order is left alone. Reachable objects are never dropped.

    Example: wit-admin repo gc --all
    """
    output = output_of(ctx, as_json=as_json)
    names = [RepoName.parse(repo) for repo in repos or []]
    with _maintenance(ctx) as maintenance:
        if bool(names) == every:
            raise InvalidInputError("Name repositories, or give --all.")
        task = maintenance.task(names or None, full=full)
        run_task(output, task, Consent(dry_run, yes=True), question="")


@contextmanager
def _maintenance(ctx: typer.Context) -> Iterator[Maintenance]:
    from wit_admin.forge import find_tools, make_inspector
    from wit_admin.forge_jobs import make_maintenance

    with command_context(ctx) as command:
        settings = command.settings
        yield make_maintenance(
            settings, command.sessions, find_tools(settings), make_inspector(settings), origin_of()
        )
