"""``wit-admin org member …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, User, command_group, origin_of, output_of, role_of

Name = Annotated[str, typer.Argument(metavar="ORG", help="Name of the organization")]

app = command_group("Manage members of organizations", example="wit-admin org member list acme")


@app.command("add")
def add_member(
    ctx: typer.Context,
    name: Name,
    user: User,
    role: Annotated[str, typer.Option(help="member, admin or owner")] = "member",
    as_json: AsJson = False,
) -> None:
    """Add a member to an organization, or change a member's role

    Members can read all its repositories; admins and owners can do everything.

    Example: wit-admin org member add acme bob --role admin
    """
    from wit_admin.services.organizations import members

    output = output_of(ctx, as_json=as_json)
    chosen = role_of(role)
    with command_context(ctx) as command:
        result = members.set_member(command.sessions, name, user, chosen, by=origin_of())
    if not result.is_changed:
        output.note(f"{result.username} has that role already.")
    output.result(result, plain=result.username)


@app.command("list")
def list_members(
    ctx: typer.Context,
    name: Name,
    role: Annotated[str | None, typer.Option(help="Only member, admin or owner")] = None,
    as_json: AsJson = False,
) -> None:
    """List the members of an organization

    Example: wit-admin org member list acme --role owner
    """
    from wit_admin.services.organizations import members

    output = output_of(ctx, as_json=as_json)
    wanted = None if role is None else role_of(role)
    with command_context(ctx) as command:
        rows = members.list_members(command.sessions, name, role=wanted)
    output.rows(rows, "username", "role", "created_at")


@app.command("remove")
def remove_member(ctx: typer.Context, name: Name, user: User, as_json: AsJson = False) -> None:
    """Remove a member from an organization and its teams

    The last owner cannot be removed.

    Example: wit-admin org member remove acme bob
    """
    from wit_admin.services.organizations import members

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        members.remove_member(command.sessions, name, user, by=origin_of())
    output.result({"organization": name, "username": user, "removed": True}, plain=user)
