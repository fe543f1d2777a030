"""How a site to seed is described: plain data, with names in place of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.models.pull_requests import ReviewState
from wit_admin.db.models.repositories import Visibility
from wit_admin.git.objects.history import Author, History
from wit_admin.names import RepoName

BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday; everything in a seeded site happened some hours after it."""


def after(hours: float) -> datetime:
    """Return the moment so many hours after the beginning."""
    return BEGINNING + timedelta(hours=hours)


@dataclass(frozen=True, slots=True)
class Person:
    """An account; its address distinguishes it from a real one of the same name."""

    username: str
    full_name: str
    email: str
    bio: str | None = None

    @property
    def author(self) -> Author:
        """The same person in git."""
        return Author(self.full_name, self.email)


@dataclass(frozen=True, slots=True)
class TeamSeed:
    """A team and its members."""

    name: str
    description: str
    members: Sequence[str]


@dataclass(frozen=True, slots=True)
class OrganizationSeed:
    """An organization; ``members`` begins with an owner."""

    name: str
    display_name: str
    description: str
    members: Sequence[tuple[str, OrgRole]]
    teams: Sequence[TeamSeed] = ()


@dataclass(frozen=True, slots=True)
class LabelSeed:
    """A label."""

    name: str
    color: str
    description: str


@dataclass(frozen=True, slots=True)
class CommentSeed:
    """Something said; with ``path`` and ``line``, about a line on the new side of the diff."""

    author: str
    body: str
    path: str | None = None
    line: int | None = None
    at: float | None = None
    """In hours after the beginning; soon after what was said before, if ``None``."""


@dataclass(frozen=True, slots=True)
class ReviewSeed:
    """A review of a pull request's head."""

    reviewer: str
    state: ReviewState
    body: str | None = None


@dataclass(frozen=True, slots=True)
class IssueSeed:
    """An issue, opened ``at`` hours after the beginning."""

    at: float
    author: str
    title: str
    body: str
    labels: Sequence[str] = ()
    assignee: str | None = None
    comments: Sequence[CommentSeed] = ()
    closed: tuple[str, float] | None = None
    """By whom, and how many hours after the beginning."""


@dataclass(frozen=True, slots=True)
class PullRequestSeed:
    """A pull request, opened ``at`` hours after the beginning; commits by their keys."""

    at: float
    author: str
    title: str
    body: str
    source: str
    head: str
    base: str
    merge: str | None = None
    """The merge commit; with it the pull request is merged."""
    is_closed: bool = False
    is_draft: bool = False
    labels: Sequence[str] = ()
    reviews: Sequence[ReviewSeed] = ()
    comments: Sequence[CommentSeed] = ()
    target: str = "main"


@dataclass(frozen=True, slots=True)
class RepositorySeed:
    """A repository with its objects and everything people did in it."""

    owner: str
    name: str
    description: str
    history: History = field(default_factory=History)
    at: float = 0.0
    """When it was made, in hours after the beginning."""
    default_branch: str = "main"
    visibility: Visibility = Visibility.PUBLIC
    labels: Sequence[LabelSeed] = ()
    collaborators: Mapping[str, Permission] = field(default_factory=dict)
    teams: Mapping[str, Permission] = field(default_factory=dict)
    """What which team of the owning organization may do."""
    discussions: Sequence[IssueSeed | PullRequestSeed] = ()
    """In order of their numbers. Those of a fork are about the original."""
    stars: Sequence[str] = ()
    watchers: Sequence[str] = ()
    fork_of: str | None = None
    """``owner/name`` of one that comes before it."""

    @property
    def repo_name(self) -> RepoName:
        """Its checked name."""
        return RepoName(self.owner, self.name)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything of one profile; repositories after those they were forked from."""

    people: Sequence[Person]
    repositories: Sequence[RepositorySeed]
    organizations: Sequence[OrganizationSeed] = ()
