"""The context of a command: settings, database sessions and repository root."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from wit_admin.cli._options import loaded_of, origin_of, output_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session, sessionmaker

    from wit_admin.cli._output import Output
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
    _warn_root(output_of(ctx, as_json=False), settings)
    with open_database(settings) as sessions:
        yield CommandContext(sessions, settings)


def _warn_root(output: Output, settings: Settings) -> None:
    """Tell root that it makes files in a folder of somebody else.

    They would be root's own: a server that runs as the folder's owner could not write to them.
    """
    if os.geteuid() != 0:
        return
    for folder in (settings.home, settings.repositories_root):
        # NFS may hide it from root, and in a container the owner may have no name.
        with suppress(OSError, KeyError):
            owner = folder.stat().st_uid
            if owner != 0:
                name = pwd.getpwuid(owner).pw_name
                output.note(
                    f"{folder} belongs to {name}, who may not be able to change what root makes"
                    f" there. Better: sudo -u {name} wit-admin"
                )
                return
