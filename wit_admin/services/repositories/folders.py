"""Chooses the folder of a new or restored repository, as a path below the root."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id
from wit_admin.db.queries import repositories
from wit_admin.names import RepoName


def free_folder(sessions: sessionmaker[Session], name: RepoName) -> str:
    """Return the folder for a new repository.

    A renamed repository keeps its folder, so the folder of this name can belong to another one.
    """
    with sessions() as session:
        taken = repositories.find_place_owner(session, name.disk_path)
    if taken is None or taken == name.key:
        return name.disk_path
    return folder_with_id(name, new_id())


def folder_with_id(name: RepoName, repo_id: uuid.UUID) -> str:
    """Return a folder that belongs to no name: no name contains ``~``."""
    return f"{name.owner}/{name.name}~{repo_id.hex}.git"
