"""All tables, by subject; importing this package completes the metadata."""

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
