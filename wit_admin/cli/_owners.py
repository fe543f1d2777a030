"""Options and steps that the commands for users and organizations share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._command_context import CommandContext, command_context
from wit_admin.cli._options import origin_of
from wit_admin.cli._plans import Consent, run_task

if TYPE_CHECKING:
    from wit_admin.cli._output import Output
    from wit_admin.db.models.accounts import OwnerType
    from wit_admin.services.owners.repositories import Fate

NewName = Annotated[str, typer.Argument(metavar="NEW", help="Its new name")]
Location = Annotated[str | None, typer.Option(help="Location")]
Website = Annotated[str | None, typer.Option(metavar="URL", help="Web page")]
AvatarUrl = Annotated[str | None, typer.Option(metavar="URL", help="Picture")]


def warn_of_last_admin(command: CommandContext, output: Output, name: str) -> None:
    """Tell if nobody may administer the site any more without this account."""
    from wit_admin.services.accounts.changes import is_last_admin

    if is_last_admin(command.sessions, name):
        output.note(
            f"{name} is the last account that may administer the site."
            " To name another: wit-admin user edit USER --admin"
        )


def rename_owner(
    ctx: typer.Context,
    output: Output,
    kind: OwnerType,
    name: str,
    new_name: str,
    consent: Consent,
) -> None:
    """Plan, confirm and carry out the renaming of an owner."""
    from wit_admin.services.owners.renaming import OwnerRenaming

    with command_context(ctx) as command:
        renaming = OwnerRenaming(command.sessions, command.root, kind, name, new_name, origin_of())
        run_task(
            output,
            renaming.task(command.settings.run_dir),
            consent,
            question=f"Rename {name} to {new_name}?",
        )


def delete_owner(
    ctx: typer.Context, output: Output, kind: OwnerType, name: str, fate: Fate, consent: Consent
) -> None:
    """Plan, confirm and carry out the removal of an owner; ``fate`` is for its repositories."""
    from wit_admin.db.models.accounts import OwnerType
    from wit_admin.services.owners.removal import OwnerRemoval

    with command_context(ctx) as command:
        if kind is OwnerType.USER:
            warn_of_last_admin(command, output, name)
        removal = OwnerRemoval(command.sessions, command.root, name, kind, fate, origin_of())
        run_task(
            output,
            removal.task(command.settings.run_dir),
            consent,
            question=f"Delete the {kind.value} {name}?",
        )
