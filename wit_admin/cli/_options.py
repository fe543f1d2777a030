"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

import os
import pwd
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._output import Output
from wit_admin.errors import InvalidInputError
from wit_admin.setting_values import parse_lifetime
from wit_admin.settings import Loaded, load_settings

if TYPE_CHECKING:
    from wit_admin.services.audit import Origin

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


@dataclass(slots=True)
class State:
    """What the root options said; commands add their own flags."""

    flags: dict[str, str | None] = field(default_factory=dict)
    quiet: bool = False
    as_json: bool = False
    log_level: str | None = None
    """As the settings have it, once they are loaded."""

    @property
    def is_debugging(self) -> bool:
        """Somebody wants to see tracebacks."""
        return "debug" in {self.flags.get("log_level"), self.log_level}


def command_group(summary: str, *, example: str) -> typer.Typer:
    """Make a group of commands; ``summary`` starts as "Manage" or "Look at" and has no full stop.

    It stays a group when it has a single command.
    """
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        help=f"{summary}\n\nExample: {example}",
    )
    group.callback()(_nothing)
    return group


def loaded_of(ctx: typer.Context, **flags: str | None) -> Loaded:
    """Load the settings, with this command's flags on top."""
    state: State = ctx.obj
    loaded = load_settings({**state.flags, **flags})
    state.log_level = loaded.settings.log_level
    return loaded


def output_of(ctx: typer.Context, *, as_json: bool) -> Output:
    """Return where this command writes."""
    state: State = ctx.obj
    return Output(as_json=as_json, quiet=state.quiet)


def origin_of() -> Origin:
    """Return who runs this command, for the audit trail."""
    from wit_admin.db.models.events import AuditOrigin
    from wit_admin.services.audit import Origin

    uid = os.getuid()
    try:
        login = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may have no name for it
        login = None
    return Origin(AuditOrigin.CLI, os_uid=uid, os_login=login)


def lifetime_of(text: str) -> timedelta:
    """Read what ``--expires`` was given.

    Raises:
        InvalidInputError: It is no lifetime.
    """
    try:
        return parse_lifetime(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no lifetime.", hint="Write a number and h, d or w: 90d."
        ) from None


def id_of(text: str) -> uuid.UUID:
    """Read an id as lists show it.

    Raises:
        InvalidInputError: It is none.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is no id.", hint="Take it from the list.") from None


def _nothing() -> None:
    pass
