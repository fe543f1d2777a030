"""What a sync can do to make rows and folders agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.queries.adoption import AdoptedRepository
from wit_admin.db.queries.reconcile import KnownRepository
from wit_admin.names import RepoName
from wit_admin.services.places import own_values
from wit_admin.services.plans import Action

AUDITED = ("default_branch", "description", "object_format")
"""Fields of a refresh that somebody may want to know of; times and sizes change all the time."""


@dataclass(frozen=True, slots=True)
class RowAction(Action):
    """Something done to a repository that the database knows, and how its row was then."""

    row: KnownRepository

    @property
    def target(self) -> str:
        """Owner and name."""
        return f"{self.row.owner}/{self.row.name}"


@dataclass(frozen=True, slots=True)
class AddOwner(Action):
    """Make an owner for a folder of repositories whose owner the database does not know."""

    name: str
    owner_type: OwnerType
    kind = "owner"

    @property
    def target(self) -> str:
        """The owner."""
        return self.name

    @property
    def sentence(self) -> str:
        """What will be made."""
        if self.owner_type is OwnerType.ORGANIZATION:
            return "Its repositories say that it is an organization: it is made, without members."
        return "It owns repositories and has no account: a placeholder is made."


@dataclass(frozen=True, slots=True)
class Adopt(Action):
    """Make the row of a repository that only the disk knows."""

    new: AdoptedRepository
    is_marked: bool
    """Its config says so already."""
    kind = "adopt"

    @property
    def target(self) -> str:
        """Owner and name."""
        return f"{self.new.owner}/{self.new.name}"

    @property
    def sentence(self) -> str:
        """Where it stands."""
        return f"It stands in {self.new.disk_path}, and the database does not know it."


@dataclass(frozen=True, slots=True)
class Move(RowAction):
    """Follow a folder that was moved, renaming the repository if its place says so."""

    disk_path: str
    new_name: RepoName | None
    kind = "move"

    @property
    def sentence(self) -> str:
        """From where to where."""
        renamed = f"; it is now called {self.new_name}" if self.new_name else ""
        return f"Its folder was moved from {self.row.disk_path} to {self.disk_path}{renamed}."


@dataclass(frozen=True, slots=True)
class Revive(RowAction):
    """Show a deleted repository again whose folder is back."""

    disk_path: str
    kind = "revive"

    @property
    def sentence(self) -> str:
        """Where it is."""
        return f"It was deleted, and its folder is back in {self.disk_path}."


@dataclass(frozen=True, slots=True)
class Refresh(RowAction):
    """Let a row say what its folder says."""

    values: Mapping[str, Any]
    fingerprint: bytes | None = field(repr=False)
    kind = "refresh"

    @property
    def sentence(self) -> str:
        """Each field, as it was and as it is."""
        changes = (
            f"{name} is {value}, not {getattr(self.row, name)}"
            for name, value in self.values.items()
        )
        return f"On disk {'; '.join(changes)}."


@dataclass(frozen=True, slots=True)
class Tell(RowAction):
    """Let a repository's config say what its row says."""

    fingerprint: bytes | None = field(repr=False)
    """To remember once that is done."""
    kind = "mark"

    @property
    def sentence(self) -> str:
        """Why."""
        return "Its config does not say of it what the database says."


@dataclass(frozen=True, slots=True)
class FinishDeletion(RowAction):
    """Hide a row whose folder is in the trash: whoever deleted it died in between."""

    kind = "trash"

    @property
    def sentence(self) -> str:
        """Why."""
        return "Its folder is in the trash already: its deletion was cut short."


@dataclass(frozen=True, slots=True)
class Prune(RowAction):
    """Hide the row of a repository whose folder is gone."""

    kind = "prune"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """What is missing."""
        return f"Its folder {self.row.disk_path} is gone: the row is marked as deleted."


SyncAction = AddOwner | Adopt | Move | Revive | Refresh | Tell | FinishDeletion | Prune
ORDER: tuple[type[SyncAction], ...] = (
    AddOwner,
    Refresh,
    Move,
    Tell,
    Revive,
    Adopt,
    FinishDeletion,
    Prune,
)
"""Owners before what they own; a move may free a name for what comes after it."""


def told_by(repository: KnownRepository | AdoptedRepository) -> dict[str, str | None]:
    """Return what a repository's config says of it, from which its row can be made again."""
    return own_values(
        repository.id,
        repository,
        repository.visibility,
        owner_type=repository.owner_type,
        description=repository.description,
        archived_at=repository.archived_at,
    )


def is_told(own: Mapping[str, str], repository: KnownRepository | AdoptedRepository) -> bool:
    """Tell whether a config says of a repository what its row says."""
    return bool(own) and all(own.get(key) == value for key, value in told_by(repository).items())
