"""``wit-admin user passwd|claim|block|unblock``."""

from __future__ import annotations

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    Account,
    AsJson,
    Email,
    origin_of,
    output_of,
)
from wit_admin.cli._owners import warn_of_last_admin
from wit_admin.cli._passwords import (
    GeneratePassword,
    PasswordStdin,
    password_of,
    show_with_password,
)
from wit_admin.errors import InvalidInputError

app = typer.Typer()


@app.command()
def passwd(
    ctx: typer.Context,
    name: Account,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    as_json: AsJson = False,
) -> None:
    """Set the password of an account and end its sessions

    With --generate-password only the new password is printed, once.

    Example: wit-admin user passwd alice --password-stdin < password.txt
    """
    from wit_admin.services.accounts.changes import set_password

    output = output_of(ctx, as_json=as_json)
    password = password_of(from_stdin=password_stdin, generate=generate_password)
    with command_context(ctx) as command:
        if password is None:
            raise InvalidInputError(
                "No password was given.", hint="Add --password-stdin or --generate-password."
            )
        count = set_password(command.sessions, name, password, by=origin_of())
    output.note(f"Sessions ended: {count}.")
    result = {"username": name, "sessions_ended": count}
    show_with_password(output, result, name, password if generate_password else None)


@app.command()
def claim(
    ctx: typer.Context,
    name: Account,
    email: Email = None,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    as_json: AsJson = False,
) -> None:
    """Turn a placeholder into an account; it keeps its repositories

    sync-repos creates a placeholder for each owner's folder that has no account. If the owner has
    an account under another name, see user merge.

    Example: wit-admin user claim octo --email octo@example.org --password-stdin < password.txt
    """
    from wit_admin.services.accounts.changes import claim_user

    output = output_of(ctx, as_json=as_json)
    password = password_of(from_stdin=password_stdin, generate=generate_password)
    with command_context(ctx) as command:
        details = claim_user(command.sessions, name, email=email, password=password, by=origin_of())
    output.note(f"{details.username} owns repositories: {details.repositories}.")
    show_with_password(output, details, details.username, password if generate_password else None)


@app.command()
def block(ctx: typer.Context, name: Account, as_json: AsJson = False) -> None:
    """Block an account; its sessions end at once

    Example: wit-admin user block mallory
    """
    from wit_admin.services.accounts.changes import block_user

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        warn_of_last_admin(command, output, name)
        details = block_user(command.sessions, name, by=origin_of())
    output.result(details, plain=details.username)


@app.command()
def unblock(ctx: typer.Context, name: Account, as_json: AsJson = False) -> None:
    """Unblock an account

    Example: wit-admin user unblock mallory
    """
    from wit_admin.services.accounts.changes import unblock_user

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        details = unblock_user(command.sessions, name, by=origin_of())
    output.result(details, plain=details.username)
