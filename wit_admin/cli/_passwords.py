"""Passwords on the command line: read or made, and shown once."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from wit_admin.cli._output import Output
from wit_admin.errors import InvalidInputError
from wit_admin.json_values import to_json

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input")
]
GeneratePassword = Annotated[
    bool, typer.Option("--generate-password", help="Make a password, and print it alone")
]


def password_of(*, from_stdin: bool, generate: bool) -> str | None:
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


def show_with_password(output: Output, result: Any, name: str, generated: str | None) -> None:
    """Print what was done, or alone the password that was made for it."""
    if generated is None:
        output.result(result, plain=name)
        return
    output.note("Keep the password now; it is not shown again.")
    output.result(
        {**(result if isinstance(result, dict) else to_json(result)), "password": generated},
        plain=generated,
    )
