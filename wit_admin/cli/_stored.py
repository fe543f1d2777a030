"""Renders what ``_quick`` prints: ``python -m wit_admin.cli._stored`` regenerates it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from wit_admin.cli import _quick
from wit_admin.cli._root import app


def walk() -> Iterator[tuple[str, Any, Any]]:
    """Yield path, command and context of every command, the root (its path is empty) first."""
    root = typer.main.get_command(app)
    yield from _below("", root, root.make_context("wit-admin", [], resilient_parsing=True))


def render_all() -> dict[str, str]:
    """Return the text of each stored file by its name."""
    files = {"words.txt": ""}
    for path, command, ctx in walk():
        files[f"{'.'.join(['wit-admin', *path.split()])}.txt"] = f"{command.get_help(ctx)}\n"
        files["words.txt"] += f"{path}\t{' '.join(_words(command, ctx))}\n"
    return files


def write(folder: Path) -> None:
    """Write these files into ``folder``, and remove all others."""
    files = render_all()
    for stale in folder.glob("*.txt"):
        if stale.name not in files:
            stale.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _below(path: str, command: Any, ctx: Any) -> Iterator[tuple[str, Any, Any]]:
    yield path, command, ctx
    if not isinstance(command, TyperGroup):
        return
    for name in command.list_commands(ctx):
        found: Any = command.get_command(ctx, name)
        inner = typer.Context(found, info_name=name, parent=ctx, resilient_parsing=True)
        yield from _below(f"{path} {name}".lstrip(), found, inner)


def _words(command: Any, ctx: Any) -> list[str]:
    commands = command.list_commands(ctx) if isinstance(command, TyperGroup) else []
    options = [
        f"{name}{'' if option.is_flag else '='}"
        for option in command.get_params(ctx)
        if isinstance(option, TyperOption)
        for name in option.opts
        if name.startswith("--")
    ]
    values = [
        str(value)
        for argument in command.get_params(ctx)
        if isinstance(argument, TyperArgument)
        for value in getattr(argument.type, "choices", [])
    ]
    return [*commands, *values, *options]


if __name__ == "__main__":
    write(Path(_quick.FOLDER))
