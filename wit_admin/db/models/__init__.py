"""Every table, in rooms; importing this package makes the metadata complete."""

from wit_admin.db.models import accounts, events, organizations, pushes, repositories

__all__ = ["accounts", "events", "organizations", "pushes", "repositories"]
