"""``wit-admin protect …``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    AsJson,
    Repo,
    command_group,
    origin_of,
    output_of,
    permission_of,
)
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName
from wit_admin.setting_values import parse_size

Pattern = Annotated[
    str, typer.Argument(metavar="PATTERN", help="Branches, or full refs: main, refs/tags/v*")
]

app = command_group("Manage protected refs", example="wit-admin protect add alice/demo main")

_COLUMNS = (
    "pattern",
    "push_permission",
    "allow_force",
    "allow_delete",
    "pushers",
    "max_blob_bytes",
    "check_name",
)


@app.command()
def add(
    ctx: typer.Context,
    repo: Repo,
    pattern: Pattern,
    allow_force: Annotated[
        bool, typer.Option("--allow-force/--no-force", help="Whether forced pushes are allowed")
    ] = False,
    allow_delete: Annotated[
        bool, typer.Option("--allow-delete/--no-delete", help="Whether deletion is allowed")
    ] = False,
    allow_push: Annotated[
        list[str] | None,
        typer.Option(metavar="USER|ORG/TEAM", help="Who may push, and no others (can be repeated)"),
    ] = None,
    permission: Annotated[
        str, typer.Option(help="Lowest permission that may push: write or admin")
    ] = "write",
    max_blob: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Largest file, such as 500k or 10m")
    ] = None,
    check: Annotated[
        str | None, typer.Option(metavar="NAME", help="A program that looks at each push")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Protect refs; a protection with the same pattern is replaced

    It holds for everybody, for owners and administrators too. In a pattern * and ? do not match a
    slash, and ** does. If several protections match a ref, all of them must allow a push. A check
    is a program in the folder WIT_PUSH_CHECKS of the server.

    Example: wit-admin protect add acme/site 'release/*' --allow-push acme/core --max-blob 10m
    """
    from wit_admin.services.repositories import protections
    from wit_admin.services.repositories.protections import ProtectionOrder

    output = output_of(ctx, as_json=as_json)
    order = ProtectionOrder(
        pattern,
        permission_of(permission),
        allow_force,
        allow_delete,
        allow_push or (),
        None if max_blob is None else _size(max_blob),
        check,
    )
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        made = protections.add_protection(command.sessions, name, order, by=origin_of())
        program = command.settings.push_checks / (check or "")
    if check is not None and not os.access(program, os.X_OK):
        output.note(f"Until {program} can be run, these refs take no pushes.")
    output.result(made, plain=made.pattern)


@app.command("list")
def list_(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """List what protects the refs of a repository

    Example: wit-admin protect list alice/demo
    """
    from wit_admin.services.repositories import protections

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        rows = protections.list_protections(command.sessions, name)
    for row in rows:
        if row.limits_pushers and not row.pushers:
            output.note(
                f"Nobody may push to {row.pattern} any more: all who were named are gone."
                " To name others: wit-admin protect add"
            )
    output.rows(rows, *_COLUMNS)


@app.command()
def remove(ctx: typer.Context, repo: Repo, pattern: Pattern, as_json: AsJson = False) -> None:
    """Remove a protection

    Example: wit-admin protect remove alice/demo main
    """
    from wit_admin.services.repositories import protections

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        taken = protections.remove_protection(command.sessions, name, pattern, by=origin_of())
    output.result(
        {"repository": str(name), "pattern": taken.pattern, "removed": True}, plain=taken.pattern
    )


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is no size.", hint="Write 500k or 10m.") from None
