"""``wit-admin ssh-key …``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    AsJson,
    IfNotExists,
    command_group,
    id_of,
    origin_of,
    output_of,
)
from wit_admin.errors import InvalidInputError

User = Annotated[str, typer.Argument(metavar="USER", help="Whose key")]
_STDIN = "-"
_MAX_BYTES = 64 * 1024
"""A key takes a few hundred; a device would never end."""

app = command_group("Manage public keys of accounts", example="wit-admin ssh-key list alice")


@app.command()
def add(
    ctx: typer.Context,
    user: User,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .pub file; - is stdin")] = _STDIN,
    name: Annotated[
        str | None, typer.Option(help="Name of the key; by default its comment")
    ] = None,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Add a public key to an account and print its fingerprint

    Example: wit-admin ssh-key add alice ~/.ssh/id_ed25519.pub
    """
    from wit_admin.services.accounts import ssh_keys

    output = output_of(ctx, as_json=as_json)
    text = _read(file)
    with command_context(ctx) as command:
        row = ssh_keys.add_ssh_key(
            command.sessions, user, text, name=name, may_exist=if_not_exists, by=origin_of()
        )
    output.result(row, plain=row.fingerprint)


@app.command("list")
def list_(ctx: typer.Context, user: User, as_json: AsJson = False) -> None:
    """List the public keys of an account

    Example: wit-admin ssh-key list alice
    """
    from wit_admin.services.accounts import ssh_keys

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        rows = ssh_keys.list_ssh_keys(command.sessions, user)
    output.rows(rows, "id", "name", "fingerprint", "created_at", "last_used_at")


@app.command()
def remove(
    ctx: typer.Context,
    user: User,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as listed")],
    as_json: AsJson = False,
) -> None:
    """Remove a public key from an account

    Example: wit-admin ssh-key remove alice 01930000-0000-7000-8000-000000000000
    """
    from wit_admin.services.accounts import ssh_keys

    output = output_of(ctx, as_json=as_json)
    identifier = id_of(key_id)
    with command_context(ctx) as command:
        ssh_keys.remove_ssh_key(command.sessions, user, identifier, by=origin_of())
    output.result({"id": identifier, "removed": True}, plain=str(identifier))


def _read(file: str) -> str:
    try:
        if file == _STDIN:
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as source:
                content = source.read(_MAX_BYTES + 1)
        text = content.decode()
    except OSError as failure:
        raise InvalidInputError(f"{file} cannot be read: {failure.strerror}.") from failure
    except UnicodeDecodeError:
        raise InvalidInputError(f"{file} is not text.", hint="Give a .pub file.") from None
    if len(content) > _MAX_BYTES:
        raise InvalidInputError(f"{file} is too long for a key.", hint="Give a .pub file.")
    return text
