"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from wit_admin.cli._output import Output
from wit_admin.settings import Loaded, load_settings

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


def _nothing() -> None:
    pass
