"""``wit-admin user …``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from wit_admin.cli._options import (
    AfterName,
    AsJson,
    IfNotExists,
    Limit,
    Match,
    TransferTo,
    TrashRepositories,
    command_group,
    origin_of,
    output_of,
    part_by_name,
    require_changes,
    texts_of,
)
from wit_admin.cli._output import Output, to_json
from wit_admin.cli._place import place
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, run_task
from wit_admin.errors import InvalidInputError

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account")]
Email = Annotated[str | None, typer.Option(help="E-mail address")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input")
]
GeneratePassword = Annotated[
    bool, typer.Option("--generate-password", help="Make a password, and print it alone")
]

app = command_group("Manage accounts", example="wit-admin user list")


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    email: Email = None,
    admin: Annotated[bool, typer.Option("--admin", help="May administer the site")] = False,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Make an account

    With --generate-password the password is all that is printed, once.

    Example: wit-admin user create alice --admin --password-stdin < password.txt
    """
    from wit_admin.services import accounts

    output = output_of(ctx, as_json=as_json)
    password = _password(from_stdin=password_stdin, generate=generate_password)
    with place(ctx) as here:
        result = accounts.create_user(
            here.sessions,
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
        output.note(f"It has no password. Make a token: wit-admin token create {result.username}")
    _show(output, result, result.username, password if generate_password else None)


@app.command("list")
def list_(
    ctx: typer.Context,
    match: Match = "",
    admins: Annotated[
        bool | None, typer.Option("--admins/--no-admins", help="Only site administrators")
    ] = None,
    blocked: Annotated[
        bool | None, typer.Option("--blocked/--not-blocked", help="Only blocked ones")
    ] = None,
    placeholders: Annotated[
        bool | None,
        typer.Option("--placeholders/--no-placeholders", help="Only those to be claimed"),
    ] = None,
    limit: Limit = None,
    after: AfterName = None,
    as_json: AsJson = False,
) -> None:
    """List accounts by name

    Example: wit-admin user list --admins --not-blocked --json
    """
    from wit_admin.db.queries.users import UserFilter
    from wit_admin.services import accounts

    output = output_of(ctx, as_json=as_json)
    wanted = UserFilter(match, admins, blocked, placeholders)
    with place(ctx) as here:
        rows = accounts.list_users(here.sessions, wanted, part=part_by_name(after, limit))
    output.rows(rows, "username", "email", "is_admin", "created_at")


@app.command()
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show an account

    Example: wit-admin user show alice
    """
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        details = account_changes.show_user(here.sessions, name)
    output.fields(details)


@app.command()
def edit(
    ctx: typer.Context,
    name: Name,
    full_name: Annotated[str | None, typer.Option(help="The person's name")] = None,
    email: Email = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="May administer the site")
    ] = None,
    bio: Annotated[str | None, typer.Option(help="Something about the person")] = None,
    location: Annotated[str | None, typer.Option(help="Where the person is")] = None,
    website: Annotated[str | None, typer.Option(metavar="URL", help="The person's page")] = None,
    avatar_url: Annotated[str | None, typer.Option(metavar="URL", help="A picture")] = None,
    as_json: AsJson = False,
) -> None:
    """Change an account's address, profile or rights

    An empty text takes a detail away.

    Example: wit-admin user edit alice --full-name "Alice Liddell" --no-admin
    """
    from wit_admin.db.queries.users import UserEdit
    from wit_admin.services import account_changes

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
    with place(ctx) as here:
        require_changes(changes)
        details = account_changes.edit_user(here.sessions, name, by=origin_of(), **changes)
    output.fields(details)


@app.command()
def merge(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="FROM", help="The account that goes")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The account that stays")],
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Make one account of two

    INTO gets FROM's repositories, whose old URLs lead to them, its memberships and all it did, and
    keeps its own address, profile and rights. Whatever let anybody in as FROM ends.

    Example: wit-admin user merge octo alice --dry-run
    """
    from wit_admin.services.account_merge import AccountMerge

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        merging = AccountMerge(here.sessions, here.root, name, into, origin_of())
        run_task(
            output,
            merging.task(here.settings.run_dir),
            Consent(dry_run, yes=yes, no_input=no_input),
            question=f"Merge the account {name} into {into}?",
        )


@app.command()
def passwd(
    ctx: typer.Context,
    name: Name,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    as_json: AsJson = False,
) -> None:
    """Give an account a password and end its sessions

    With --generate-password the password is all that is printed, once.

    Example: wit-admin user passwd alice --password-stdin < password.txt
    """
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    password = _password(from_stdin=password_stdin, generate=generate_password)
    with place(ctx) as here:
        if password is None:
            raise InvalidInputError(
                "There is no password.", hint="Add --password-stdin or --generate-password."
            )
        count = account_changes.set_password(here.sessions, name, password, by=origin_of())
    output.note(f"Sessions ended: {count}.")
    result = {"username": name, "sessions_ended": count}
    _show(output, result, name, password if generate_password else None)


@app.command()
def claim(
    ctx: typer.Context,
    name: Name,
    email: Email = None,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    as_json: AsJson = False,
) -> None:
    """Make an account of a placeholder, with all that it owns

    Placeholders are made by sync-repos for the folders of owners whom nobody knows. If the owner
    has an account of another name, see user merge.

    Example: wit-admin user claim octo --email octo@example.org --password-stdin < password.txt
    """
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    password = _password(from_stdin=password_stdin, generate=generate_password)
    with place(ctx) as here:
        details = account_changes.claim_user(
            here.sessions, name, email=email, password=password, by=origin_of()
        )
    output.note(f"{details.username} owns repositories: {details.repositories}.")
    _show(output, details, details.username, password if generate_password else None)


@app.command()
def block(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let an account in no more; its sessions end at once

    Example: wit-admin user block mallory
    """
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        details = account_changes.block_user(here.sessions, name, by=origin_of())
    output.result(details, plain=details.username)


@app.command()
def unblock(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let a blocked account in again

    Example: wit-admin user unblock mallory
    """
    from wit_admin.services import account_changes

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        details = account_changes.unblock_user(here.sessions, name, by=origin_of())
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
    from wit_admin.services.owner_removal import OwnerRemoval
    from wit_admin.services.owner_repositories import Fate

    output = output_of(ctx, as_json=as_json)
    fate = Fate(transfer_to, trash_repositories)
    with place(ctx) as here:
        removal = OwnerRemoval(here.sessions, here.root, name, OwnerType.USER, fate, origin_of())
        run_task(
            output,
            removal.task(here.settings.run_dir),
            Consent(dry_run, yes=yes, no_input=no_input),
            question=f"Delete the account {name}?",
        )


def _password(*, from_stdin: bool, generate: bool) -> str | None:
    """Return the password that the options ask for; ``None`` if they ask for none."""
    if from_stdin and generate:
        raise InvalidInputError("A password is either read or generated.")
    if generate:
        from wit_admin.services.credentials import new_password

        return new_password()
    if not from_stdin:
        return None
    try:
        return sys.stdin.buffer.readline().rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise InvalidInputError("The password is no text.", hint="Write it in UTF-8.") from None


def _show(output: Output, result: Any, name: str, generated: str | None) -> None:
    """Print what was done, or alone the password that was made for it."""
    if generated is None:
        output.result(result, plain=name)
        return
    output.note("Keep the password now; it is not shown again.")
    output.result(
        {**(result if isinstance(result, dict) else to_json(result)), "password": generated},
        plain=generated,
    )
