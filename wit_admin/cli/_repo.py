"""What the commands of ``wit-admin repo`` share."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.errors import InvalidInputError

if TYPE_CHECKING:
    from wit_admin.db.models import repositories as models
    from wit_admin.settings import Settings


Public = Annotated[bool, typer.Option("--public", help="Everybody may read it")]
Private = Annotated[bool, typer.Option("--private", help="Only people with access may")]
Description = Annotated[str | None, typer.Option(help="Description")]


class Visibility(enum.StrEnum):
    """Who may read; named here too, so that help need not import the rest."""

    PUBLIC = "public"
    PRIVATE = "private"


def chosen_visibility(settings: Settings, *, public: bool, private: bool) -> models.Visibility:
    """Return the visibility by ``--public`` or ``--private``, or else by the setting.

    Raises:
        InvalidInputError: Both options were given.
    """
    from wit_admin.db.models import repositories as models

    if public and private:
        raise InvalidInputError("--public and --private cannot be used together.")
    chosen = "public" if public else "private" if private else settings.default_visibility
    return models.Visibility(chosen)
