"""Results on stdout, notes on stderr; text for people, JSON for programs."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from wit_admin.errors import InvalidInputError, RefusedError
from wit_admin.json_values import to_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


@dataclass(frozen=True, slots=True)
class Output:
    """The output of one command: results, notes and questions."""

    as_json: bool = False
    quiet: bool = False
    log: logging.Logger | None = None
    """If set, notes are written as log lines, since standard error is a log."""

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return not self.as_json and sys.stdout.isatty()

    def result(self, value: Any, plain: str) -> None:
        """Print the command's only result: ``plain``, or ``value`` as a JSON object."""
        typer.echo(json.dumps(value, default=to_json) if self.as_json else plain)

    def rows(self, rows: Sequence[Any], *columns: str) -> None:
        """Print dataclasses as a table on a terminal, tab-separated in a pipe, or a JSON array."""
        if self.as_json:
            typer.echo(json.dumps(list(rows), default=to_json))
        elif self.is_terminal:
            cells = ([_cell(getattr(row, column)) for column in columns] for row in rows)
            print_table([column.replace("_", " ") for column in columns], cells)
        else:
            for row in rows:
                typer.echo("\t".join(_cell(getattr(row, column)) for column in columns))

    def fields(self, value: Any) -> None:
        """Print a dataclass: a line for each field, its name and value with a tab between."""
        if self.as_json:
            typer.echo(json.dumps(value, default=to_json))
            return
        for name, content in to_json(value).items():
            text = ", ".join(map(str, content)) if isinstance(content, tuple) else content
            typer.echo(f"{name}\t{_cell(text)}")

    def line(self, row: Any, *columns: str) -> None:
        """Print one dataclass of an endless list at once: tab-separated, or as a JSON object."""
        if self.as_json:
            typer.echo(json.dumps(row, default=to_json))
        else:
            typer.echo("\t".join(_cell(getattr(row, column)) for column in columns))

    def note(self, sentence: str) -> None:
        """Print a note on stderr, unless ``--quiet`` was given."""
        if self.log is not None:
            self.log.info(sentence)
        elif not self.quiet:
            typer.echo(sentence, err=True)

    def note_more(self, cursor: str | None) -> None:
        """Print how to get the next page, if there is one."""
        if cursor is not None:
            self.note(f"There are more: --after {cursor}")

    def confirm(self, question: str, *, yes: bool, may_ask: bool = True) -> None:
        """Ask whether to do something that cannot be undone.

        Raises:
            InvalidInputError: Standard input is not a terminal, and ``--yes`` was not given.
            RefusedError: The answer is not yes.
        """
        if yes:
            return
        if not may_ask or not sys.stdin.isatty():
            raise InvalidInputError("This needs a confirmation.", hint="Add --yes.")
        typer.echo(f"{question} [y/N] ", nl=False, err=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise RefusedError("Nothing was done.")


def printable(text: str) -> str:
    """Return text without line breaks and control characters, safe for a table or terminal."""
    return text if text.isprintable() else "".join(_visible(character) for character in text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(_cell, value))
    text = to_json(value) if isinstance(value, datetime | timedelta) else str(value)
    return printable(text)


def _visible(character: str) -> str:
    is_shown = character.isprintable() or "\udc80" <= character <= "\udcff"
    return character if is_shown else character.encode("unicode_escape").decode()


def open_console() -> Console:
    """Return a console as wide as the terminal."""
    from rich.console import Console

    # Rich assumes 80 columns for every dumb terminal.
    size = shutil.get_terminal_size()
    return Console(width=size.columns, height=size.lines, highlight=False)


def print_lines(lines: Iterable[Text]) -> None:
    """Print lines; on a terminal cut each at the right edge, in a pipe print them whole."""
    console = open_console()
    fit: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}
    for line in lines:
        console.print(line, **(fit if console.is_terminal else {"soft_wrap": True}))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table on the terminal; the cells must be printable."""
    from rich.table import Table
    from rich.text import Text

    console = open_console()
    is_plain = console.no_color or console.is_dumb_terminal
    table = Table(box=None, header_style="" if is_plain else "bold", pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        # As text, else Rich would read "[red]" in it as markup.
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    console.print(table)
