"""``wit-admin repo …``; its commands are in modules by subject."""

from __future__ import annotations

from wit_admin.cli import (
    repo_changes,
    repo_create,
    repo_import,
    repo_lists,
    repo_maintenance,
    repo_states,
    repo_trash,
)
from wit_admin.cli._options import command_group

app = command_group("Manage repositories", example="wit-admin repo list")

for part in (
    repo_lists,
    repo_create,
    repo_import,
    repo_changes,
    repo_states,
    repo_trash,
    repo_maintenance,
):
    app.add_typer(part.app)
