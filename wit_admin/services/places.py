"""Where the folder of a new repository goes, and the values of ``[wit]`` in its config."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import OwnerType
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


def own_values(  # noqa: PLR0913  all that a row has and a folder could lose
    repo_id: uuid.UUID,
    name: Named,
    visibility: Visibility,
    *,
    owner_type: OwnerType,
    description: str | None = None,
    archived_at: datetime | None = None,
) -> dict[str, str | None]:
    """Return what the config of a repository says of it: see :mod:`wit_admin.git.own_config`."""
    return {
        "id": str(repo_id),
        **owner_values(name.owner, owner_type),
        "name": name.name,
        "visibility": visibility.value,
        "description": description,
        **archive_values(archived_at),
    }


def owner_values(owner: str, owner_type: OwnerType) -> dict[str, str | None]:
    """Return what it says of its owner; users, who are most of them, need no word more."""
    is_user = owner_type is OwnerType.USER
    return {"owner": owner, "owner-kind": None if is_user else owner_type.value}


def archive_values(archived_at: datetime | None) -> dict[str, str | None]:
    """Return what it says of since when it takes no pushes."""
    return {"archived-at": archived_at.isoformat() if archived_at else None}


def said_owner_type(own: Mapping[str, str]) -> OwnerType:
    """Return what kind of owner a config names."""
    is_organization = own.get("owner-kind") == OwnerType.ORGANIZATION
    return OwnerType.ORGANIZATION if is_organization else OwnerType.USER


def said_archived_at(own: Mapping[str, str]) -> datetime | None:
    """Return since when a repository takes no pushes; ``None`` if it does, or says no time."""
    said = own.get("archived-at")
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
