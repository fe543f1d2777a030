"""``wit-admin session …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    AfterId,
    AsJson,
    Limit,
    command_group,
    id_of,
    lifetime_of,
    origin_of,
    output_of,
    part_by_id,
)
from wit_admin.cli._plans import DryRun, show_plan
from wit_admin.errors import InvalidInputError

app = command_group("Manage sessions", example="wit-admin session list alice")


@app.command()
def create(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER", help="Account to sign in")],
    expires: Annotated[
        str | None,
        typer.Option(help="Lifetime, such as 12h, 30d or 4w [env var: WIT_SESSION_LIFETIME]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a session without a password, and print its secret once

    Example: wit-admin session create alice --expires 12h
    """
    from wit_admin.services.accounts.sessions import create_session

    output = output_of(ctx, as_json=as_json)
    wanted = None if expires is None else lifetime_of(expires)
    with command_context(ctx) as command:
        lifetime = command.settings.session_lifetime if wanted is None else wanted
        result = create_session(command.sessions, user, lifetime=lifetime, by=origin_of())
    output.note("Save it now; it is not shown again.")
    output.result(result, plain=result.token)


@app.command("list")
def list_(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="Whose sessions")] = None,
    limit: Limit = None,
    after: AfterId = None,
    as_json: AsJson = False,
) -> None:
    """List sessions that are neither expired nor revoked, newest first

    Example: wit-admin session list alice
    """
    from wit_admin.services.accounts.sessions import list_sessions

    output = output_of(ctx, as_json=as_json)
    part = part_by_id(after, limit)
    with command_context(ctx) as command:
        rows = list_sessions(command.sessions, user, part=part)
    output.rows(rows, "id", "username", "created_at", "expires_at", "last_used_at", "ip")


@app.command()
def revoke(
    ctx: typer.Context,
    session_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Its id, as listed")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="All sessions of this account")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a session, or all sessions of an account

    Example: wit-admin session revoke --user alice
    """
    from wit_admin.services.accounts.sessions import (
        plan_revocation,
        revoke_session,
        revoke_sessions_of,
    )

    output = output_of(ctx, as_json=as_json)
    identifier = None if session_id is None else id_of(session_id)
    count = 1
    with command_context(ctx) as command:
        if (session_id is None) == (user is None):
            raise InvalidInputError("Give either the id of a session or --user.")
        if dry_run:
            plan = plan_revocation(command.sessions, session_id=identifier, username=user)
            show_plan(output, plan)
            return
        if identifier is not None:
            revoke_session(command.sessions, identifier, by=origin_of())
        elif user is not None:
            count = revoke_sessions_of(command.sessions, user, by=origin_of())
    output.result(
        {"id": identifier, "user": user, "revoked": count}, plain=str(identifier or count)
    )
