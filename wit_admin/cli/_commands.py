"""Which commands there are, and the one place where errors become text and a number."""

from __future__ import annotations

import importlib
import json
from typing import Any

import typer
from typer.core import TyperGroup

from wit_admin import errors

COMMANDS: dict[str, str] = {
    "serve": "Serve git over HTTP",
    "db": "Manage the database",
    "user": "Manage accounts",
    "token": "Manage access tokens",
    "repo": "Manage repositories",
    "activity": "Look at what happened",
    "config": "Look at the settings",
}
"""Name and first line of help; each is a module beside this one with a Typer ``app``."""

EXIT_OF_ERROR: dict[type[errors.WitError], int] = {
    errors.WitError: 70,
    errors.RefusedError: 1,
    errors.NotFoundError: 1,
    errors.ConflictError: 1,
    errors.NotAllowedError: 1,
    errors.UnauthenticatedError: 1,
    errors.InvalidInputError: 2,
    errors.TooLargeError: 2,
    errors.ConfigError: 3,
    errors.UnavailableError: 4,
    errors.BatchError: 5,
}
"""One exit code for each kind of error; a test walks the tree."""


class LazyGroup(TyperGroup):
    """The root group: imports a command when it runs, and reports this package's errors."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"wit_admin.cli.{cmd_name}")
        return typer.main.get_command(module.app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands from the table above, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; say an error on stderr and leave with its code."""
        try:
            return super().invoke(ctx)
        except errors.WitError as error:
            report(error, as_json=_wants_json(ctx))
            raise typer.Exit(EXIT_OF_ERROR[type(error)]) from error


def report(error: errors.WitError, *, as_json: bool) -> None:
    """Say an error for a person, or as one object for a program."""
    if as_json:
        kind = type(error).__name__.removesuffix("Error").lower()
        content = {"kind": kind, "message": error.message, "hint": error.hint}
        typer.echo(json.dumps({"error": content}), err=True)
        return
    typer.echo(f"Error: {error.message}", err=True)
    if error.hint:
        typer.echo(f"Hint: {error.hint}", err=True)


def _wants_json(ctx: Any) -> bool:
    return bool(getattr(ctx.obj, "as_json", False))
