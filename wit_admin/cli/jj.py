"""``wit-admin jj …``; its commands are in modules by subject."""

from __future__ import annotations

from wit_admin.cli import jj_changes, jj_evolution, jj_ops, jj_refs
from wit_admin.cli._options import command_group

app = command_group(
    "Show what was synced from jj repositories", example="wit-admin jj changes alice/demo"
)

for part in (jj_changes, jj_ops, jj_refs, jj_evolution):
    app.add_typer(part.app)
