"""The values of the section ``[wit]`` in a repository's config: a copy of its row.

If the database is lost, ``sync-repos`` makes the rows again from these values.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.repositories import Visibility


class Named(Protocol):
    """Anything with an owner and a name, such as a :class:`RepoName`."""

    @property
    def owner(self) -> str:
        """The owner's name."""

    @property
    def name(self) -> str:
        """The name of the repository."""


def own_values(  # noqa: PLR0913  all that must survive the loss of the row
    repo_id: uuid.UUID,
    name: Named,
    visibility: Visibility,
    *,
    owner_type: OwnerType,
    description: str | None = None,
    archived_at: datetime | None = None,
) -> dict[str, str | None]:
    """Return the values for a repository's config, as ``own_config`` writes them."""
    return {
        "id": str(repo_id),
        **owner_values(name.owner, owner_type),
        "name": name.name,
        "visibility": visibility.value,
        "description": description,
        **archive_values(archived_at),
    }


def owner_values(owner: str, owner_type: OwnerType) -> dict[str, str | None]:
    """Return the values that name the owner; ``owner-kind`` is only set for organizations."""
    is_user = owner_type is OwnerType.USER
    return {"owner": owner, "owner-kind": None if is_user else owner_type.value}


def archive_values(archived_at: datetime | None) -> dict[str, str | None]:
    """Return the value that says since when the repository is archived."""
    return {"archived-at": archived_at.isoformat() if archived_at else None}


def said_owner_type(own: Mapping[str, str]) -> OwnerType:
    """Return the kind of owner in a config."""
    is_organization = own.get("owner-kind") == OwnerType.ORGANIZATION
    return OwnerType.ORGANIZATION if is_organization else OwnerType.USER


def said_archived_at(own: Mapping[str, str]) -> datetime | None:
    """Return since when a config says that the repository is archived; ``None`` if it does not."""
    said = own.get("archived-at")
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
