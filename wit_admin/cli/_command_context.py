"""The context of a command: settings, database sessions and repository root."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from wit_admin.cli._options import loaded_of, origin_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session, sessionmaker

    from wit_admin.services.repositories.plans import RepositoryPlans
    from wit_admin.settings import Settings


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What a command works with: the open database, and the settings."""

    sessions: sessionmaker[Session]
    settings: Settings

    @property
    def root(self) -> Path:
        """The folder of the repositories."""
        return self.settings.repositories_root

    def plans(self) -> RepositoryPlans:
        """Return the factory of repository plans; they act in the name of this command's user."""
        from wit_admin.services.repositories.plans import RepositoryPlans

        return RepositoryPlans(self.sessions, self.root, self.settings.run_dir, origin_of())


@contextmanager
def command_context(ctx: typer.Context) -> Iterator[CommandContext]:
    """Load the settings and open the database for a command."""
    from wit_admin.forge import open_database

    settings = loaded_of(ctx).settings
    with open_database(settings) as sessions:
        yield CommandContext(sessions, settings)
