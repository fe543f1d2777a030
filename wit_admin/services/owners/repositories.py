"""Transfers or trashes the repositories of an owner that is deleted or merged."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.queries import repositories, repository_lists
from wit_admin.db.queries.repository_lists import OwnedRow
from wit_admin.errors import ConflictError, InvalidInputError
from wit_admin.git.repositories import own_config, storage
from wit_admin.names import RepoName, name_key
from wit_admin.services.audit.trail import SYSTEM, Origin
from wit_admin.services.lookups import get_owner
from wit_admin.services.repositories.actions import Delete, Transfer
from wit_admin.services.repositories.config_values import owner_values
from wit_admin.services.repositories.moves import transfer_repository

_MAX_NAMES = 20


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to an owner's repositories; by default there must be none.

    Raises:
        InvalidInputError: Both are given.
    """

    transfer_to: str | None = None
    to_trash: bool = False

    def __post_init__(self) -> None:
        if self.transfer_to is not None and self.to_trash:
            raise InvalidInputError("Repositories go to the trash or to another owner, not both.")

    def plan(
        self, session: Session, owner: Owner, live: Sequence[OwnedRow]
    ) -> Sequence[Transfer | Delete]:
        """Return the actions for the live repositories of ``owner``.

        Raises:
            NotFoundError: There is no such new owner.
            ConflictError: There are repositories and neither is given, or their names are taken.
        """
        if self.transfer_to is not None:
            return plan_hand_over(session, owner, live, self.transfer_to)
        if self.to_trash:
            return [Delete(row.id, RepoName(owner.name, row.name)) for row in live]
        if live:
            raise ConflictError(
                f"{owner.name} owns repositories: {listed([row.name for row in live])}.",
                hint="Give --transfer-to OWNER or --trash-repositories.",
            )
        return []


UNSAID = Fate()


def plan_hand_over(
    session: Session, owner: Owner, live: Sequence[OwnedRow], new_owner: str
) -> list[Transfer]:
    """Return the actions that transfer an owner's repositories to another.

    Raises:
        NotFoundError: There is no such new owner.
        ConflictError: It is the same, or has repositories of the same names.
    """
    heir = get_owner(session, new_owner)
    if heir.owner_id == owner.id:
        raise ConflictError(f"{owner.name} owns these repositories already.")
    taken = {
        name_key(row.name)
        for row in repository_lists.list_owned(session, heir.owner_id)
        if row.is_live
    }
    clashes = [row.name for row in live if name_key(row.name) in taken]
    if clashes:
        raise ConflictError(
            f"{heir.name} has repositories of the same names: {listed(clashes)}.",
            hint=f"Rename them first: wit-admin repo rename {owner.name}/{clashes[0]} NAME",
        )
    return [Transfer(row.id, RepoName(owner.name, row.name), heir.name) for row in live]


def hand_over(
    sessions: sessionmaker[Session], root: Path, action: Transfer, *, by: Origin = SYSTEM
) -> None:
    """Transfer a repository, unless its owner is the new one already or it is gone.

    Raises:
        NotFoundError: There is no such new owner.
        ConflictError: The new owner has one of that name.
    """
    with sessions() as session:
        name = repositories.find_name(session, action.repo_id)
    if name is not None and name.owner != action.new_owner:
        transfer_repository(sessions, root, action.repo_id, action.new_owner, by=by)


def tell_owner(root: Path, rows: Iterable[OwnedRow], name: str, kind: OwnerType) -> None:
    """Write the owner into the configs of repositories, in case the database is lost.

    Raises:
        ConflictError: A config cannot be read.
        UnavailableError: Another process keeps a config locked.
    """
    for row in rows:
        if found := storage.resolve(root, row.disk_path):
            own_config.write_own(found.gitdir, owner_values(name, kind))


def tell_trash(sessions: sessionmaker[Session], root: Path, owner_id: uuid.UUID, heir: str) -> None:
    """Write the new owner into the configs of the old owner's deleted repositories.

    Raises:
        NotFoundError: The new owner no longer exists.
        ConflictError: A config cannot be read.
    """
    with sessions() as session:
        owned, new_owner = repository_lists.list_owned(session, owner_id), get_owner(session, heir)
    trashed = [row for row in owned if not row.is_live]
    tell_owner(root, trashed, new_owner.name, new_owner.kind)


def listed(names: Sequence[str]) -> str:
    """Return the names with commas between them; only the first ones if they are many."""
    shown = ", ".join(names[:_MAX_NAMES])
    more = len(names) - _MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
