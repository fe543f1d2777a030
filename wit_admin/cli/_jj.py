"""What the commands of ``wit-admin jj`` share: showing ids, times and descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._command_context import CommandContext, command_context
from wit_admin.cli._output import printable
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName

if TYPE_CHECKING:
    import uuid

    from rich.text import Text


Follow = Annotated[
    bool, typer.Option("--follow", help="Keep printing what is synced, oldest first")
]

CHANGE_LETTERS = 8
COMMIT_LETTERS = 8
OPERATION_LETTERS = 12


@contextmanager
def synced(ctx: typer.Context, repo: str) -> Iterator[tuple[CommandContext, uuid.UUID]]:
    """Open the database, and find the repository."""
    from wit_admin.services.lookups import get_repository_id

    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        with command.sessions() as session:
            repo_id = get_repository_id(session, name)
        yield command, repo_id


def refuse_both(*, follow: bool, after: str | None) -> None:
    """Refuse ``--follow`` together with ``--after``.

    Raises:
        InvalidInputError: Both were given.
    """
    if follow and after is not None:
        raise InvalidInputError("--follow and --after cannot be used together.")


def short_id(key: str, letters: int, *, prefix: str = "", style: str = "magenta") -> Text:
    """Return the beginning of an id, with the shortest unique prefix highlighted."""
    from rich.text import Text

    shown = key[: max(letters, len(prefix))]
    text = Text(shown, style="bright_black" if prefix else "")
    text.stylize(f"bold {style}", 0, len(prefix))
    return text


def short_moment(moment: datetime | None) -> str:
    """Return a time in UTC, without seconds."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(" ")[:16]


def first_line(description: str) -> str:
    """Return the first line of a description, made safe for a terminal."""
    line = description.strip().partition("\n")[0]
    return printable(line.rstrip()) if line else "(no description set)"
