"""``wit-admin sync-repos``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, origin_of, output_of
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, run_task

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def sync_repos(
    ctx: typer.Context,
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the folder of this owner")
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Mark rows as deleted whose folders are gone")
    ] = False,
    max_prune: Annotated[
        float,
        typer.Option(
            metavar="PERCENT", help="Refuse to prune more than this part of all rows", min=0
        ),
    ] = 10.0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Look into every repository: exact, and slow")
    ] = False,
    accept_root: Annotated[
        bool, typer.Option("--accept-root", help="The root is another volume now, on purpose")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Make the database and the folder of repositories agree

    Unknown repositories are adopted, moved ones are followed, and rows are updated from the disk.
    Whatever is not a repository in its place is reported and left alone.

    Example: wit-admin sync-repos --dry-run
    """
    from wit_admin.db.models.repositories import Visibility
    from wit_admin.names import check_owner_name
    from wit_admin.services.sync.repo_sync import RepoSync
    from wit_admin.services.sync.survey import SyncOptions

    output = output_of(ctx, as_json=as_json)
    only = None if owner is None else check_owner_name(owner)
    with command_context(ctx) as command:
        options = SyncOptions(
            visibility=Visibility(command.settings.default_visibility),
            owner=only,
            prune=prune,
            max_prune_percent=max_prune,
            verify=verify,
            accept_root=accept_root,
        )
        sync = RepoSync(command.sessions, command.root, options, by=origin_of())
        run_task(
            output,
            sync.task(command.settings.run_dir),
            Consent(dry_run, yes=yes, no_input=no_input),
            question="Mark these rows as deleted?",
        )
