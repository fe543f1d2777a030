"""``wit-admin completion``: the scripts call ``wit-admin --complete``, which ``_quick`` answers."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from wit_admin.cli._options import AsJson, output_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Shell(enum.StrEnum):
    """A shell with a completion script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish")],
    as_json: AsJson = False,
) -> None:
    """Print a shell completion script

    bash: put eval "$(wit-admin completion bash)" into ~/.bashrc

    zsh: put eval "$(wit-admin completion zsh)" into ~/.zshrc, after compinit

    fish: wit-admin completion fish > ~/.config/fish/completions/wit-admin.fish

    Example: wit-admin completion bash
    """
    script = (Path(__file__).parent / "shells" / f"{shell}.txt").read_text(encoding="utf-8")
    output = output_of(ctx, as_json=as_json)
    output.result({"shell": shell, "script": script}, plain=script.rstrip("\n"))
