"""The actions with which a sync makes rows and folders agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.queries.adoption import AdoptedRepository
from wit_admin.db.queries.reconcile import KnownRepository
from wit_admin.names import RepoName
from wit_admin.services.plans import Action
from wit_admin.services.repositories.config_values import own_values

AUDITED = ("default_branch", "description", "object_format")
"""The fields whose refresh goes into the audit trail; times and sizes change too often for it."""


@dataclass(frozen=True, slots=True)
class RowAction(Action):
    """An action on a repository that has a row; it holds the row as it was when planned."""

    row: KnownRepository

    @property
    def target(self) -> str:
        """The owner and name in the row."""
        return f"{self.row.owner}/{self.row.name}"


@dataclass(frozen=True, slots=True)
class AddOwner(Action):
    """Create an owner for a folder of repositories that has no owner in the database."""

    name: str
    owner_type: OwnerType
    kind = "owner"

    @property
    def target(self) -> str:
        """The name of the owner."""
        return self.name

    @property
    def sentence(self) -> str:
        """The kind of owner that is created."""
        if self.owner_type is OwnerType.ORGANIZATION:
            return "Its repositories say that it is an organization: it is made, without members."
        return "It owns repositories and has no account: a placeholder is made."


@dataclass(frozen=True, slots=True)
class Adopt(Action):
    """Insert the row of a repository that exists only on disk."""

    new: AdoptedRepository
    is_marked: bool
    """Whether its config has these values already."""
    kind = "adopt"

    @property
    def target(self) -> str:
        """The owner and name of the new row."""
        return f"{self.new.owner}/{self.new.name}"

    @property
    def sentence(self) -> str:
        """The path of its folder."""
        return f"It stands in {self.new.disk_path}, and the database does not know it."


@dataclass(frozen=True, slots=True)
class Move(RowAction):
    """Follow a folder that was moved; rename the repository if its new path has another name."""

    disk_path: str
    new_name: RepoName | None
    kind = "move"

    @property
    def sentence(self) -> str:
        """The old and the new path."""
        renamed = f"; it is now called {self.new_name}" if self.new_name else ""
        return f"Its folder was moved from {self.row.disk_path} to {self.disk_path}{renamed}."


@dataclass(frozen=True, slots=True)
class Revive(RowAction):
    """Bring back a deleted repository whose folder is back."""

    disk_path: str
    kind = "revive"

    @property
    def sentence(self) -> str:
        """The path of its folder."""
        return f"It was deleted, and its folder is back in {self.disk_path}."


@dataclass(frozen=True, slots=True)
class Refresh(RowAction):
    """Update a row from its folder."""

    values: Mapping[str, Any]
    fingerprint: bytes | None = field(repr=False)
    kind = "refresh"

    @property
    def sentence(self) -> str:
        """The old and the new value of each field."""
        changes = (
            f"{name} is {value}, not {getattr(self.row, name)}"
            for name, value in self.values.items()
        )
        return f"On disk {'; '.join(changes)}."


@dataclass(frozen=True, slots=True)
class Tell(RowAction):
    """Update a repository's config from its row."""

    fingerprint: bytes | None = field(repr=False)
    """The folder's fingerprint, to store in the row once the config is written."""
    kind = "mark"

    @property
    def sentence(self) -> str:
        """Why the config must be written."""
        return "Its config does not say of it what the database says."


@dataclass(frozen=True, slots=True)
class FinishDeletion(RowAction):
    """Hide a row whose folder is in the trash: the process that deleted it died half way."""

    kind = "trash"

    @property
    def sentence(self) -> str:
        """Why the row must be hidden."""
        return "Its folder is in the trash already: its deletion was cut short."


@dataclass(frozen=True, slots=True)
class Prune(RowAction):
    """Hide the row of a repository whose folder is gone."""

    kind = "prune"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """Which folder is missing."""
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
"""The order of kinds of actions: owners come before their repositories, and moves come early
because they may free a name for later actions."""


def told_by(repository: KnownRepository | AdoptedRepository) -> dict[str, str | None]:
    """Return the config values of a repository, from which its row can be restored."""
    return own_values(
        repository.id,
        repository,
        repository.visibility,
        owner_type=repository.owner_type,
        description=repository.description,
        archived_at=repository.archived_at,
    )


def is_told(own: Mapping[str, str], repository: KnownRepository | AdoptedRepository) -> bool:
    """Return whether the config of a repository agrees with its row."""
    return bool(own) and all(own.get(key) == value for key, value in told_by(repository).items())
