"""Results on stdout, notes on stderr; text for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from wit_admin.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Output:
    """Where one command writes."""

    as_json: bool = False
    quiet: bool = False

    def result(self, value: Any, plain: str) -> None:
        """Print the one thing the command made: ``plain``, or ``value`` as a JSON object."""
        typer.echo(json.dumps(value, default=to_json) if self.as_json else plain)

    def rows(self, rows: Sequence[Any], *columns: str) -> None:
        """Print dataclasses as a table on a terminal, tab-separated in a pipe, or a JSON array."""
        if self.as_json:
            typer.echo(json.dumps(list(rows), default=to_json))
        elif sys.stdout.isatty():
            _print_table(rows, columns)
        else:
            for row in rows:
                typer.echo("\t".join(_cell(getattr(row, column)) for column in columns))

    def note(self, sentence: str) -> None:
        """Say something beside the result."""
        if not self.quiet:
            typer.echo(sentence, err=True)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone.

        Raises:
            InvalidInputError: Nobody is there to ask, and ``--yes`` was not given.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            raise InvalidInputError("This needs a confirmation.", hint="Add --yes.")
        typer.confirm(question, abort=True, err=True)


def to_json(value: Any) -> Any:
    """Turn what ``json`` does not know into what it does."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, uuid.UUID | Path):
        return str(value)
    return str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return to_json(value) if isinstance(value, datetime) else str(value)


def _print_table(rows: Sequence[Any], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    plain = os.environ.get("TERM") == "dumb"
    table = Table(box=None, header_style="" if plain else "bold", pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(getattr(row, column)) for column in columns))
    Console(no_color=plain or None).print(table)
