"""What a git request is allowed to reach: an existing repository, or a name to create one under."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.organizations import Permission
from wit_admin.names import RepoName
from wit_admin.services.actors import Actor


@dataclass(frozen=True, slots=True)
class Served:
    """A repository that the caller may use as it asked to."""

    name: RepoName
    gitdir: Path
    repo_id: uuid.UUID | None = None
    """``None`` without a database."""
    actor: Actor | None = None
    level: Permission = Permission.READ
    """The most that the actor may do; told for pushes only."""
    has_protections: bool = False
    """Some refs are protected; told for pushes only."""


@dataclass(frozen=True, slots=True)
class Creatable:
    """A name that is free, and that a push by ``actor`` may take."""

    name: RepoName
    actor: Actor
    owner_id: uuid.UUID
    owner_type: OwnerType
