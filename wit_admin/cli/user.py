"""``wit-admin user …``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wit_admin.cli._options import AsJson, command_group, loaded_of, output_of

app = command_group("Manage accounts", example="wit-admin user list")


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the account")],
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
            sessions, name, email=email, password=password, is_admin=admin
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
