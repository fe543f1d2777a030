"""``wit-admin config …``."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import typer

from wit_admin.cli._options import AsJson, command_group, loaded_of, output_of

app = command_group("Show the settings", example="wit-admin config show")


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    setting: str
    value: object
    origin: str
    summary: str


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show each setting and where it comes from; secrets are masked

    With --json each has a summary of what it means.

    Example: wit-admin config show
    """
    output = output_of(ctx, as_json=as_json)
    loaded = loaded_of(ctx)
    rows = []
    for setting in dataclasses.fields(loaded.settings):
        value = getattr(loaded.settings, setting.name)
        origin, summary = loaded.origins[setting.name], setting.metadata["summary"]
        rows.append(_Row(setting.name, _shown(value), origin, summary))
    output.rows(rows, "setting", "value", "origin")


def _shown(value: object) -> object:
    # As the setting is written.
    if not isinstance(value, tuple):
        return value
    separator = os.pathsep if all(isinstance(part, Path) for part in value) else ","
    return separator.join(map(str, value))
