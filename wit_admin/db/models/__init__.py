"""Every table, in rooms; importing this package makes the metadata complete."""

from wit_admin.db.models import (
    accounts,
    events,
    github,
    issues,
    jj,
    organizations,
    pull_requests,
    pushes,
    repositories,
    workspaces,
)

__all__ = [
    "accounts",
    "events",
    "github",
    "issues",
    "jj",
    "organizations",
    "pull_requests",
    "pushes",
    "repositories",
    "workspaces",
]
