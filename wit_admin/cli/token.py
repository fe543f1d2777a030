"""``wit-admin token …``."""

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
    scope_of,
)
from wit_admin.names import RepoName

_COLUMNS = (
    "id",
    "username",
    "name",
    "hint",
    "scopes",
    "expires_at",
    "last_used_at",
    "ref_pattern",
    "repositories",
)

app = command_group("Manage access tokens", example="wit-admin token list alice")


@app.command()
def create(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose token")],
    scope: Annotated[
        list[str] | None, typer.Option(help="repo:read, repo:write or admin (can be repeated)")
    ] = None,
    repo: Annotated[
        list[str] | None,
        typer.Option(metavar="OWNER/REPO", help="Only for this repository (can be repeated)"),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Only these refs may be changed: bot/*, refs/tags/v*"),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="Lifetime, such as 12h, 90d or 4w")] = None,
    name: Annotated[str, typer.Option(help="Name, to tell tokens apart")] = "cli",
    as_json: AsJson = False,
) -> None:
    """Create an access token and print it once

    Example: wit-admin token create alice --scope repo:write --expires 90d
    """
    from wit_admin.services.accounts import tokens

    output = output_of(ctx, as_json=as_json)
    scopes = [scope_of(text) for text in scope or ["repo:write"]]
    repositories = [RepoName.parse(text) for text in repo or []]
    lifetime = None if expires is None else lifetime_of(expires)
    with command_context(ctx) as command:
        order = tokens.TokenOrder(name, scopes, repositories, lifetime, ref)
        result = tokens.create_token(command.sessions, user, order=order, by=origin_of())
    output.note("Save it now; it is not shown again.")
    output.result(result, plain=result.token)


@app.command("list")
def list_(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="Whose tokens")] = None,
    expired: Annotated[
        bool | None, typer.Option("--expired/--not-expired", help="Only expired, or only others")
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="Only with repo:read, repo:write or admin")
    ] = None,
    limit: Limit = None,
    after: AfterId = None,
    as_json: AsJson = False,
) -> None:
    """List access tokens, newest first

    Example: wit-admin token list alice --not-expired
    """
    from wit_admin.services.accounts import tokens

    output = output_of(ctx, as_json=as_json)
    wanted = None if scope is None else scope_of(scope)
    part = part_by_id(after, limit)
    with command_context(ctx) as command:
        rows = tokens.list_tokens(
            command.sessions, user, is_expired=expired, scope=wanted, part=part
        )
    output.rows(rows, *_COLUMNS)


@app.command()
def revoke(
    ctx: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as listed")],
    as_json: AsJson = False,
) -> None:
    """Revoke an access token

    Example: wit-admin token revoke 01930000-0000-7000-8000-000000000000
    """
    from wit_admin.services.accounts import tokens

    output = output_of(ctx, as_json=as_json)
    identifier = id_of(token_id)
    with command_context(ctx) as command:
        tokens.revoke_token(command.sessions, identifier, by=origin_of())
    output.result({"id": identifier, "revoked": True}, plain=str(identifier))
