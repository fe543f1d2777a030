"""Accounts and organizations that get another name; the old URLs of what they own go on working.

As with a repository no folder moves. What the repositories say of themselves is written first; then
the name and all redirects change in one transaction. A process that is killed in between leaves
copies that say the new name already: the row decides, and the same command again ends it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.queries import owners
from wit_admin.db.queries.repository_lists import list_owned
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.git import own_config, storage
from wit_admin.names import check_owner_name
from wit_admin.services.audit import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_organization, get_user


@dataclass(frozen=True, slots=True)
class RenamedOwner:
    """An owner after a rename, and whether there was anything to do."""

    id: uuid.UUID
    name: str
    is_changed: bool


def rename_owner(  # noqa: PLR0913  who it is, and who says so
    sessions: sessionmaker[Session],
    root: Path,
    kind: OwnerType,
    name: str,
    new_name: str,
    *,
    by: Origin = SYSTEM,
) -> RenamedOwner:
    """Give an account or an organization another name; old URLs lead to what it owns.

    Raises:
        InvalidInputError: The new name cannot be one.
        NotFoundError: There is no such owner of that kind.
        ConflictError: The new name is taken.
    """
    check_owner_name(new_name)
    with sessions() as session:
        owner = _find(session, kind, name, new_name)
        if owner.name == new_name:
            return RenamedOwner(owner.id, new_name, is_changed=False)
        taken = owners.find_id(session, new_name)
        if taken not in {None, owner.id}:
            raise ConflictError(f"The name {new_name!r} is taken.")
        places = [row.disk_path for row in list_owned(session, owner.id)]
    for place in places:
        if found := storage.resolve(root, place):
            own_config.write_own(found.gitdir, {"owner": new_name})
    with sessions.begin() as session:
        old_name = owners.rename_owner(session, owner.id, new_name, now=utc_now())
        is_changed = old_name != new_name
        if is_changed:
            was, now_is = {"name": old_name}, {"name": new_name}
            event = Event(f"{kind}.rename", kind.value, owner.id, old_name, was, now_is)
            record(session, event, by=by)
    return RenamedOwner(owner.id, new_name, is_changed=is_changed)


def _find(session: Session, kind: OwnerType, name: str, new_name: str) -> Owner:
    """Return the owner of that name, or the one that had it until a run that was killed late."""
    get: Callable[[Session, str], Owner]
    get = get_user if kind is OwnerType.USER else get_organization
    try:
        return get(session, name)
    except NotFoundError:
        renamed = owners.find_id(session, new_name)
        if renamed is None or not owners.leads_to(session, name, renamed):
            raise
        return get(session, new_name)
