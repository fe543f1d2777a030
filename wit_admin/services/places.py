"""Where a repository's folder goes, by its name at first, and what it says there of itself."""

from __future__ import annotations

import uuid
from typing import Protocol

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import repositories
from wit_admin.names import RepoName


def free_place(sessions: sessionmaker[Session], name: RepoName) -> str:
    """Return where below the root a new repository goes.

    One that was renamed keeps its folder, so the place of this name can be another's.
    """
    with sessions() as session:
        taken = repositories.find_place_owner(session, name.disk_path)
    if taken is None or taken == name.key:
        return name.disk_path
    return second_place(name, new_id())


def second_place(name: RepoName, repo_id: uuid.UUID) -> str:
    """Return a place that no name leads to: ``~`` cannot be in one."""
    return f"{name.owner}/{name.name}~{repo_id.hex}.git"


class Named(Protocol):
    """Who belongs to whom and is called how, such as a :class:`RepoName`."""

    @property
    def owner(self) -> str:
        """The owner's name."""

    @property
    def name(self) -> str:
        """Its own."""


def own_values(
    repo_id: uuid.UUID, name: Named, visibility: Visibility, description: str | None = None
) -> dict[str, str | None]:
    """Return what the config of a repository says of it: see :mod:`wit_admin.git.own_config`."""
    return {
        "id": str(repo_id),
        "owner": name.owner,
        "name": name.name,
        "visibility": visibility.value,
        "description": description,
    }
