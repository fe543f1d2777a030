"""The root of the command line and its options."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin import __version__
from wit_admin.cli._commands import LazyGroup
from wit_admin.cli._options import State

app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # 'wit-admin completion' replaces Typer's own completion.
    add_completion=False,
    # One width everywhere: help is printed from stored text.
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 80},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"wit-admin {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    home: Annotated[
        str | None, typer.Option(help="Folder of the forge's own data [env var: WIT_HOME]")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error [env var: WIT_LOG_LEVEL]")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results only")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Administer and serve wit, a self-hosted git forge

    Example: wit-admin serve
    """
    state: State = ctx.obj
    state.flags = {"home": home, "log_level": log_level}
    state.quiet = quiet
