"""What a git request is allowed to reach: an existing repository, or a name to create one under."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.organizations import Permission
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor


@dataclass(frozen=True, slots=True)
class Served:
    """An existing repository that the caller may use as requested."""

    name: RepoName
    gitdir: Path
    repo_id: uuid.UUID | None = None
    """``None`` without a database."""
    actor: Actor | None = None
    level: Permission = Permission.READ
    """The actor's permission; known for pushes only."""
    has_protections: bool = False
    """Some refs are protected; known for pushes only."""


@dataclass(frozen=True, slots=True)
class Creatable:
    """A free name under which a push by ``actor`` may create a repository."""

    name: RepoName
    actor: Actor
    owner_id: uuid.UUID
    owner_type: OwnerType
