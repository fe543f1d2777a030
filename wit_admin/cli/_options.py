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


def loaded_of(ctx: typer.Context, **flags: str | None) -> Loaded:
    """Load the settings, with this command's flags on top."""
    state: State = ctx.obj
    return load_settings({**state.flags, **flags})


def output_of(ctx: typer.Context, *, as_json: bool) -> Output:
    """Return where this command writes, and remember how errors should look."""
    state: State = ctx.obj
    state.as_json = as_json
    return Output(as_json=as_json, quiet=state.quiet)
