"""``wit-admin user create|list|show|edit``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    Account,
    AfterName,
    AsJson,
    Email,
    IfNotExists,
    Limit,
    Match,
    origin_of,
    output_of,
    part_by_name,
    require_changes,
    texts_of,
)
from wit_admin.cli._owners import AvatarUrl, Location, Website, warn_of_last_admin
from wit_admin.cli._passwords import (
    GeneratePassword,
    PasswordStdin,
    password_of,
    show_with_password,
)

app = typer.Typer()


@app.command()
def create(
    ctx: typer.Context,
    name: Account,
    email: Email = None,
    admin: Annotated[bool, typer.Option("--admin", help="May administer the site")] = False,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Create an account

    With --generate-password only the new password is printed, once.

    Example: wit-admin user create alice --admin --password-stdin < password.txt
    """
    from wit_admin.services.accounts import accounts

    output = output_of(ctx, as_json=as_json)
    password = password_of(from_stdin=password_stdin, generate=generate_password)
    with command_context(ctx) as command:
        result = accounts.create_user(
            command.sessions,
            name,
            email=email,
            password=password,
            is_admin=admin,
            may_exist=if_not_exists,
            by=origin_of(),
        )
    if not result.is_new:
        output.note(f"The account {result.username} exists already; it was left as it is.")
        # Whoever asked for a password alone shall not take a name for one.
        if as_json or not generate_password:
            output.result(result, plain=result.username)
        return
    output.note(f"Created the account {result.username}.")
    if password is None:
        output.note(f"It has no password. Create a token: wit-admin token create {result.username}")
    show_with_password(output, result, result.username, password if generate_password else None)


@app.command("list")
def list_(
    ctx: typer.Context,
    match: Match = "",
    admins: Annotated[
        bool | None,
        typer.Option("--admins/--no-admins", help="Only site administrators, or only others"),
    ] = None,
    blocked: Annotated[
        bool | None, typer.Option("--blocked/--not-blocked", help="Only blocked, or only others")
    ] = None,
    placeholders: Annotated[
        bool | None,
        typer.Option("--placeholders/--no-placeholders", help="Only placeholders, or only others"),
    ] = None,
    limit: Limit = None,
    after: AfterName = None,
    as_json: AsJson = False,
) -> None:
    """List accounts by name

    Example: wit-admin user list --admins --not-blocked --json
    """
    from wit_admin.db.queries.users import UserFilter
    from wit_admin.services.accounts import accounts

    output = output_of(ctx, as_json=as_json)
    wanted = UserFilter(match, admins, blocked, placeholders)
    with command_context(ctx) as command:
        rows = accounts.list_users(command.sessions, wanted, part=part_by_name(after, limit))
    output.rows(rows, "username", "email", "is_admin", "created_at")


@app.command()
def show(ctx: typer.Context, name: Account, as_json: AsJson = False) -> None:
    """Show an account

    Example: wit-admin user show alice
    """
    from wit_admin.services.accounts.changes import show_user

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        details = show_user(command.sessions, name)
    output.fields(details)


@app.command()
def edit(
    ctx: typer.Context,
    name: Account,
    full_name: Annotated[str | None, typer.Option(help="Name of the person")] = None,
    email: Email = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="May administer the site")
    ] = None,
    bio: Annotated[str | None, typer.Option(help="About the person")] = None,
    location: Location = None,
    website: Website = None,
    avatar_url: AvatarUrl = None,
    as_json: AsJson = False,
) -> None:
    """Edit an account's e-mail address, profile or rights

    An empty text clears a field.

    Example: wit-admin user edit alice --full-name "Alice Liddell" --no-admin
    """
    from wit_admin.db.queries.users import UserEdit
    from wit_admin.services.accounts.changes import edit_user

    output = output_of(ctx, as_json=as_json)
    changes: UserEdit = texts_of(
        full_name=full_name,
        email=email,
        bio=bio,
        location=location,
        website=website,
        avatar_url=avatar_url,
    )
    if admin is not None:
        changes["is_admin"] = admin
    with command_context(ctx) as command:
        require_changes(changes)
        if admin is False:
            warn_of_last_admin(command, output, name)
        details = edit_user(command.sessions, name, by=origin_of(), **changes)
    output.fields(details)
