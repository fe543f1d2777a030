"""``wit-admin user rename|merge|delete``: what changes an account's identity."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    Account,
    AsJson,
    TransferTo,
    TrashRepositories,
    origin_of,
    output_of,
)
from wit_admin.cli._owners import NewName, delete_owner, rename_owner, warn_of_last_admin
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, run_task

app = typer.Typer()


@app.command()
def rename(
    ctx: typer.Context,
    name: Account,
    new_name: NewName,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Rename an account; old URLs still lead to its repositories

    Example: wit-admin user rename octo octocat --yes
    """
    from wit_admin.db.models.accounts import OwnerType

    consent = Consent(dry_run, yes=yes, no_input=no_input)
    output = output_of(ctx, as_json=as_json)
    rename_owner(ctx, output, OwnerType.USER, name, new_name, consent)


@app.command()
def merge(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="FROM", help="The account that is closed")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The account that stays")],
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Merge one account into another

    INTO gets FROM's repositories (old URLs still lead to them), memberships and activity, and keeps
    its own address, profile and rights. FROM's password, sessions, tokens and keys end.

    Example: wit-admin user merge octo alice --dry-run
    """
    from wit_admin.services.accounts.merge import AccountMerge

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        warn_of_last_admin(command, output, name)
        merging = AccountMerge(command.sessions, command.root, name, into, origin_of())
        run_task(
            output,
            merging.task(command.settings.run_dir),
            Consent(dry_run, yes=yes, no_input=no_input),
            question=f"Merge the account {name} into {into}?",
        )


@app.command()
def delete(
    ctx: typer.Context,
    name: Account,
    transfer_to: TransferTo = None,
    trash_repositories: TrashRepositories = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Delete an account

    It is refused while the account owns repositories, unless an option says what becomes of them.

    Example: wit-admin user delete mallory --transfer-to alice --dry-run
    """
    from wit_admin.db.models.accounts import OwnerType
    from wit_admin.services.owners.repositories import Fate

    fate = Fate(transfer_to, trash_repositories)
    consent = Consent(dry_run, yes=yes, no_input=no_input)
    output = output_of(ctx, as_json=as_json)
    delete_owner(ctx, output, OwnerType.USER, name, fate, consent)
