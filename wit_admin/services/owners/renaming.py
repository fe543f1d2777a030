"""Renames accounts and organizations; the old URLs of their repositories keep working.

As with the renaming of a repository, no folder moves. The configs of the repositories are written
first; then the name and all redirects change in one transaction. If the process is killed in
between, the configs have the new name already, but the row decides; the same command finishes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.queries import audit, owners
from wit_admin.db.queries.repository_lists import list_owned
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.names import check_owner_name, name_key
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.locks import Lock
from wit_admin.services.lookups import get_organization, get_user
from wit_admin.services.owners.actions import OwnerAction
from wit_admin.services.owners.removal import LOCK
from wit_admin.services.owners.repositories import tell_owner
from wit_admin.services.plans import Plan, Remark, Task


@dataclass(frozen=True, slots=True)
class RenameOwner(OwnerAction):
    """Give an account or an organization another name."""

    new_name: str
    repositories: int
    kind = "rename"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """The new name, and the effect on URLs."""
        led = f"; the old URLs of its repositories ({self.repositories}) lead to them"
        freed = "" if name_key(self.name) == name_key(self.new_name) else "; the name is free again"
        return f"It becomes {self.new_name}{led if self.repositories else ''}{freed}."


@dataclass(frozen=True, slots=True)
class OwnerRenaming:
    """The renaming of one owner."""

    sessions: sessionmaker[Session]
    root: Path
    kind: OwnerType
    name: str
    new_name: str
    by: Origin = SYSTEM

    def task(self, run_dir: Path) -> Task[RenameOwner]:
        """Return the task, which callers can show, confirm and apply."""
        return Task(self.build, self.perform, Lock(self.sessions, run_dir, LOCK))

    def build(self) -> Plan[RenameOwner]:
        """Plan the renaming.

        Raises:
            InvalidInputError: The new name cannot be one.
            NotFoundError: There is no such owner of that kind.
            ConflictError: The new name is taken.
        """
        check_owner_name(self.new_name)
        with self.sessions() as session:
            owner = self._find(session)
            if owner.name == self.new_name:
                done = Remark("done", self.name, f"It is called {self.new_name} already.")
                return Plan(remarks=(done,))
            if owners.find_id(session, self.new_name) not in {None, owner.id}:
                raise ConflictError(f"The name {self.new_name!r} is taken.")
            owned = sum(row.is_live for row in list_owned(session, owner.id))
        return Plan((RenameOwner(owner.id, owner.name, self.new_name, owned),))

    def perform(self, action: RenameOwner) -> None:
        """Rename the owner, if that is still needed.

        Raises:
            NotFoundError: There is no such owner any more.
            ConflictError: The new name was taken meanwhile.
        """
        with self.sessions() as session:
            owned = list_owned(session, action.owner_id)
        tell_owner(self.root, owned, action.new_name, self.kind)
        with self.sessions.begin() as session:
            old = owners.rename_owner(session, action.owner_id, action.new_name, now=utc_now())
            if old != action.new_name:
                was, now_is = {"name": old}, {"name": action.new_name}
                event = Event(self._verb, self.kind.value, action.owner_id, old, was, now_is)
                record(session, event, by=self.by)

    @property
    def _verb(self) -> str:
        return f"{self.kind}.rename"

    def _find(self, session: Session) -> Owner:
        """Return the owner of that name, or the one that had it by the audit trail."""
        get: Callable[[Session, str], Owner]
        get = get_user if self.kind is OwnerType.USER else get_organization
        try:
            return get(session, self.name)
        except NotFoundError:
            renamed = owners.find_id(session, self.new_name)
            if renamed is None:
                raise
            former = audit.list_targets(session, self._verb, self.kind.value, renamed)
            if name_key(self.name) not in map(name_key, former):
                raise
            return get(session, self.new_name)
