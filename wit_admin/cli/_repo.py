"""What the commands of ``wit-admin repo`` share."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._options import loaded_of, origin_of
from wit_admin.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session, sessionmaker

    from wit_admin.db.models import repositories as models
    from wit_admin.services.repository_plans import RepositoryPlans
    from wit_admin.settings import Settings

Repo = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="Which repository")]


class Visibility(enum.StrEnum):
    """Who may read; named here too, so that help need not import the rest."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the commands work: the database, the repositories, and the settings that name both."""

    sessions: sessionmaker[Session]
    settings: Settings

    @property
    def root(self) -> Path:
        """The folder of the repositories."""
        return self.settings.repositories_root

    def plans(self) -> RepositoryPlans:
        """Return what makes plans, for whoever runs this command."""
        from wit_admin.services.repository_plans import RepositoryPlans

        return RepositoryPlans(self.sessions, self.root, self.settings.run_dir, origin_of())


@contextmanager
def place(ctx: typer.Context) -> Iterator[Place]:
    """Open the database for a command."""
    from wit_admin.forge import open_database

    settings = loaded_of(ctx).settings
    with open_database(settings) as sessions:
        yield Place(sessions, settings)


def chosen_visibility(settings: Settings, *, public: bool, private: bool) -> models.Visibility:
    """Return what ``--public`` and ``--private`` say, or else the setting.

    Raises:
        InvalidInputError: They say both.
    """
    from wit_admin.db.models import repositories as models

    if public and private:
        raise InvalidInputError("It is either --public or --private.")
    chosen = "public" if public else "private" if private else settings.default_visibility
    return models.Visibility(chosen)
