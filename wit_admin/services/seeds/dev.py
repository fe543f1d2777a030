"""The profile ``dev``: one account with one empty repository, to develop against."""

from __future__ import annotations

from wit_admin.services.seeds.site import LabelSeed, Person, RepositorySeed, Site

DEFAULT_LABELS = (
    LabelSeed("bug", "d73a4a", "Something isn't working"),
    LabelSeed("enhancement", "a2eeef", "New feature or request"),
    LabelSeed("documentation", "0075ca", "Improvements or additions to documentation"),
    LabelSeed("good first issue", "7057ff", "Good for newcomers"),
)

DEV = Site(
    people=(Person("testuser", "Test User", "test@example.com"),),
    repositories=(
        RepositorySeed("testuser", "test-repo", "A test repository", labels=DEFAULT_LABELS),
    ),
)
