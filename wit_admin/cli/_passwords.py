"""Passwords on the command line: read from standard input, or generated and shown once."""

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
_MAX_SECRET_BYTES = 4096
"""The longest line to read as a secret; a device may send an endless one."""
GeneratePassword = Annotated[
    bool, typer.Option("--generate-password", help="Generate a password, and print only that")
]


def password_of(*, from_stdin: bool, generate: bool) -> str | None:
    """Return the password that the options ask for; ``None`` if they ask for none."""
    if from_stdin and generate:
        raise InvalidInputError("--password-stdin and --generate-password cannot be used together.")
    if generate:
        from wit_admin.services.access.credentials import new_password

        return new_password()
    if not from_stdin:
        return None
    return read_secret_line("password")


def read_secret_line(what: str) -> str:
    """Return the first line of standard input; ``what`` names the secret in errors.

    Raises:
        InvalidInputError: It is not UTF-8, or too long.
    """
    line = sys.stdin.buffer.readline(_MAX_SECRET_BYTES + 1)
    if len(line) > _MAX_SECRET_BYTES:
        raise InvalidInputError(f"The {what} is longer than {_MAX_SECRET_BYTES} bytes.")
    try:
        return line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise InvalidInputError(f"The {what} is not text.", hint="Write it in UTF-8.") from None


def show_with_password(output: Output, result: Any, name: str, generated: str | None) -> None:
    """Print the result, or only the password if one was generated."""
    if generated is None:
        output.result(result, plain=name)
        return
    output.note("Save the password now; it is not shown again.")
    output.result(
        {**(result if isinstance(result, dict) else to_json(result)), "password": generated},
        plain=generated,
    )
