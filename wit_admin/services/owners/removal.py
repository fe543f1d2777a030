"""Deletes accounts and organizations, and disposes of their repositories.

Each repository is a separate action; the last action removes the owner, which is refused as long as
the owner has repositories. So the next run continues after one that failed or was killed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.queries import (
    members,
    organizations,
    repository_lists,
    ssh_keys,
    tokens,
    trash,
    users,
)
from wit_admin.db.queries import sessions as user_sessions
from wit_admin.errors import ConflictError
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.locks import Lock
from wit_admin.services.lookups import get_organization, get_owner, get_user
from wit_admin.services.owners.actions import OwnerAction
from wit_admin.services.owners.repositories import UNSAID, Fate, hand_over, listed, tell_trash
from wit_admin.services.plans import Plan, Remark, Task
from wit_admin.services.repositories.actions import Delete, Transfer
from wit_admin.services.repositories.trash import discard

LOCK = "accounts"
"""Held while owners are merged or removed."""


@dataclass(frozen=True, slots=True)
class RemoveUser(OwnerAction):
    """Close an account, once it owns nothing any more."""

    kind = "delete-user"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """What the account loses."""
        return "The account is closed; its name, address and keys are free again."


@dataclass(frozen=True, slots=True)
class RemoveOrganization(OwnerAction):
    """Close an organization, once it owns nothing any more."""

    kind = "delete-org"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """What the organization loses."""
        return "The organization is closed; its members and teams end with it."


RemovalAction = Transfer | Delete | RemoveUser | RemoveOrganization


@dataclass(frozen=True, slots=True)
class OwnerRemoval:
    """The closing of one account or organization."""

    sessions: sessionmaker[Session]
    root: Path
    name: str
    kind: OwnerType
    fate: Fate = UNSAID
    by: Origin = SYSTEM

    def task(self, run_dir: Path) -> Task[RemovalAction]:
        """Return the task, which callers can show, confirm and apply."""
        return Task(self.build, self.perform, Lock(self.sessions, run_dir, LOCK))

    def build(self) -> Plan[RemovalAction]:
        """Plan the removal.

        Raises:
            NotFoundError: There is no such owner, or none to hand repositories to.
            ConflictError: It owns repositories and no fate is given, the heir has repositories of
                the same names, or an organization would be left without an owner.
        """
        with self.sessions() as session:
            owner: Owner
            last: RemoveUser | RemoveOrganization
            if self.kind is OwnerType.USER:
                owner = get_user(session, self.name)
                _refuse_orphans(session, owner)
                last = RemoveUser(owner.id, owner.name)
            else:
                owner = get_organization(session, self.name)
                last = RemoveOrganization(owner.id, owner.name)
            owned = repository_lists.list_owned(session, owner.id)
            live = [row for row in owned if row.is_live]
            fates = self.fate.plan(session, owner, live)
        return Plan((*fates, last), self._remarks(owner, len(owned) - len(live)))

    def perform(self, action: RemovalAction) -> None:
        """Carry out one action, if it is still needed.

        Raises:
            RefusedError: It is impossible; the message says why.
        """
        match action:
            case Transfer():
                hand_over(self.sessions, self.root, action, by=self.by)
            case Delete():
                discard(self.sessions, self.root, action.repo_id, by=self.by)
            case RemoveUser():
                self._remove_user(action)
            case RemoveOrganization():
                self._remove_organization(action)

    def _remarks(self, owner: Owner, trashed: int) -> tuple[Remark, ...]:
        if not trashed:
            return ()
        stays = f"{trashed} of its repositories are in the trash"
        if self.fate.transfer_to is not None:
            return (Remark("trash", owner.name, f"{stays} and go to the new owner."),)
        hint = "'repo restore --owner' brings them back"
        return (Remark("trash", owner.name, f"{stays} and stay there; {hint}."),)

    def _remove_user(self, action: RemoveUser) -> None:
        self._tell_trash(action.owner_id)
        with self.sessions.begin() as session:
            user = users.find_user(session, action.owner_id)
            if user is None:
                return
            was = {"email": user.email, "is_admin": user.is_admin}
            self._hand_over_trash(session, action.owner_id)
            close_account(session, action.owner_id)
            event = Event("user.delete", "user", action.owner_id, action.name, was)
            record(session, event, by=self.by)

    def _remove_organization(self, action: RemoveOrganization) -> None:
        self._tell_trash(action.owner_id)
        with self.sessions.begin() as session:
            found = organizations.find_organization(session, action.owner_id)
            if found is None:
                return
            was = {"display_name": found.display_name, "description": found.description}
            self._hand_over_trash(session, action.owner_id)
            organizations.delete_organization(session, action.owner_id, now=utc_now())
            event = Event("organization.delete", "organization", action.owner_id, action.name, was)
            record(session, event, by=self.by)

    def _tell_trash(self, owner_id: uuid.UUID) -> None:
        if self.fate.transfer_to is not None:
            tell_trash(self.sessions, self.root, owner_id, self.fate.transfer_to)

    def _hand_over_trash(self, session: Session, owner_id: uuid.UUID) -> None:
        if self.fate.transfer_to is not None:
            heir = get_owner(session, self.fate.transfer_to)
            trash.hand_over_trash(session, owner_id, heir.owner_id)


def close_account(session: Session, user_id: uuid.UUID) -> None:
    """Close an account, and end its sessions, tokens and keys.

    Raises:
        NotFoundError: There is no such account.
        ConflictError: It owns repositories, or alone owns an organization.
    """
    now = utc_now()
    users.delete_user(session, user_id, now=now)
    user_sessions.revoke_all(session, user_id, now)
    tokens.revoke_tokens_of(session, user_id, now)
    for key in ssh_keys.list_ssh_keys(session, user_id):
        ssh_keys.remove_ssh_key(session, user_id, key.id)


def _refuse_orphans(session: Session, owner: Owner) -> None:
    kept = members.list_kept_by(session, owner.id)
    if kept:
        raise ConflictError(
            f"{owner.name} is the only owner of {listed(kept)}; "
            "an organization cannot be without an owner.",
            hint=f"Name another owner: wit-admin org member add {kept[0]} USER --role owner",
        )
