"""What the commands of ``wit-admin repo`` share."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._options import loaded_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session, sessionmaker

Repo = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="Which repository")]


class Visibility(enum.StrEnum):
    """Who may read; named here too, so that help need not import the rest."""

    PUBLIC = "public"
    PRIVATE = "private"


@contextmanager
def place(ctx: typer.Context) -> Iterator[tuple[sessionmaker[Session], Path]]:
    """Open the database; yield it and the root of the repositories."""
    from wit_admin.forge import open_database

    settings = loaded_of(ctx).settings
    with open_database(settings) as sessions:
        yield sessions, settings.repositories_root
