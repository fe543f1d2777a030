"""``wit-admin user …``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wit_admin.cli._options import (
    AsJson,
    TransferTo,
    TrashRepositories,
    command_group,
    loaded_of,
    origin_of,
    output_of,
)
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, run_task
from wit_admin.errors import InvalidInputError

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account")]

app = command_group("Manage accounts", example="wit-admin user list")


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    email: Annotated[str | None, typer.Option(help="E-mail address")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May administer the site")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account

    Example: wit-admin user create alice --admin --password-stdin < password.txt
    """
    from wit_admin.forge import open_database
    from wit_admin.services import accounts

    output = output_of(ctx, as_json=as_json)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    with open_database(loaded_of(ctx).settings) as sessions:
        result = accounts.create_user(
            sessions, name, email=email, password=password, is_admin=admin, by=origin_of()
        )
    output.note(f"Created the account {result.username}.")
    if password is None:
        output.note(f"It has no password. Make a token: wit-admin token create {result.username}")
    output.result(result, plain=result.username)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List accounts

    Example: wit-admin user list --json
    """
    from wit_admin.forge import open_database
    from wit_admin.services import accounts

    output = output_of(ctx, as_json=as_json)
    with open_database(loaded_of(ctx).settings) as sessions:
        rows = accounts.list_users(sessions)
    output.rows(rows, "username", "email", "is_admin", "created_at")


@app.command()
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show an account

    Example: wit-admin user show alice
    """
    from wit_admin.forge import open_database
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    with open_database(loaded_of(ctx).settings) as sessions:
        details = account_changes.show_user(sessions, name)
    output.fields(details)


@app.command()
def passwd(
    ctx: typer.Context,
    name: Name,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give an account a password and end its sessions

    Example: wit-admin user passwd alice --password-stdin < password.txt
    """
    from wit_admin.forge import open_database
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    settings = loaded_of(ctx).settings
    if not password_stdin:
        raise InvalidInputError("There is no password.", hint="Add --password-stdin.")
    password = sys.stdin.readline().rstrip("\r\n")
    with open_database(settings) as sessions:
        count = account_changes.set_password(sessions, name, password, by=origin_of())
    output.note(f"Sessions ended: {count}.")
    output.result({"username": name, "sessions_ended": count}, plain=name)


@app.command()
def block(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let an account in no more; its sessions end at once

    Example: wit-admin user block mallory
    """
    from wit_admin.forge import open_database
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    with open_database(loaded_of(ctx).settings) as sessions:
        details = account_changes.block_user(sessions, name, by=origin_of())
    output.result(details, plain=details.username)


@app.command()
def unblock(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let a blocked account in again

    Example: wit-admin user unblock mallory
    """
    from wit_admin.forge import open_database
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    with open_database(loaded_of(ctx).settings) as sessions:
        details = account_changes.unblock_user(sessions, name, by=origin_of())
    output.result(details, plain=details.username)


@app.command()
def delete(
    ctx: typer.Context,
    name: Name,
    transfer_to: TransferTo = None,
    trash_repositories: TrashRepositories = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Close an account

    It is refused while the account owns repositories, unless an option says what becomes of them.

    Example: wit-admin user delete mallory --transfer-to alice --dry-run
    """
    from wit_admin.db.models.accounts import OwnerType
    from wit_admin.forge import open_database
    from wit_admin.services.owner_removal import Fate, OwnerRemoval

    output = output_of(ctx, as_json=as_json)
    settings = loaded_of(ctx).settings
    fate = Fate(transfer_to, trash_repositories)
    with open_database(settings) as sessions:
        removal = OwnerRemoval(
            sessions, settings.repositories_root, name, OwnerType.USER, fate, origin_of()
        )
        run_task(
            output,
            removal.task(settings.run_dir),
            Consent(dry_run, yes=yes, no_input=no_input),
            question=f"Delete the account {name}?",
        )
