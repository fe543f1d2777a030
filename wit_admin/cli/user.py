"""``wit-admin user …``; its commands are in modules by subject."""

from __future__ import annotations

from wit_admin.cli import user_access, user_accounts, user_ends
from wit_admin.cli._options import command_group

app = command_group("Manage accounts", example="wit-admin user list")

for part in (user_accounts, user_access, user_ends):
    app.add_typer(part.app)
