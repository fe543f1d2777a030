"""Owners that go: what becomes of their repositories, and then of the owner.

Each repository is an action of its own, the owner the last: it is refused as long as anything is
owned, so that a run that failed or was killed half-way is taken up by the next.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.queries import organizations, repositories, ssh_keys, tokens, trash, users
from wit_admin.db.queries import sessions as sign_ins
from wit_admin.db.queries.repositories import OwnedRow
from wit_admin.errors import ConflictError, InvalidInputError
from wit_admin.names import RepoName, name_key
from wit_admin.services.audit import SYSTEM, Event, Origin, record
from wit_admin.services.locks import Lock
from wit_admin.services.lookups import get_organization, get_owner, get_user
from wit_admin.services.plans import Action, Plan, Remark, Task
from wit_admin.services.repository_changes import transfer_repository
from wit_admin.services.trash import discard

LOCK = "accounts"
"""Held by whoever merges or removes owners."""
_NAMED_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class HandOver(Action):
    """Give a repository to another owner."""

    repo_id: uuid.UUID
    name: RepoName
    new_owner: str
    kind = "transfer-repository"

    @property
    def target(self) -> str:
        """The repository."""
        return str(self.name)

    @property
    def sentence(self) -> str:
        """To whom it goes."""
        return f"It becomes {self.new_owner}/{self.name.name}; its old URL leads there."


@dataclass(frozen=True, slots=True)
class TrashOwned(Action):
    """Move a repository to the trash."""

    repo_id: uuid.UUID
    name: RepoName
    kind = "trash-repository"
    is_destructive = True

    @property
    def target(self) -> str:
        """The repository."""
        return str(self.name)

    @property
    def sentence(self) -> str:
        """Where it goes."""
        return "It is moved to the trash; 'repo restore --owner' brings it back."


@dataclass(frozen=True, slots=True)
class RemoveUser(Action):
    """Close an account."""

    user_id: uuid.UUID
    name: str
    kind = "delete-user"
    is_destructive = True

    @property
    def target(self) -> str:
        """The account."""
        return self.name

    @property
    def sentence(self) -> str:
        """What ends."""
        return "The account is closed; its name, address and keys are free again."


@dataclass(frozen=True, slots=True)
class RemoveOrganization(Action):
    """Close an organization."""

    org_id: uuid.UUID
    name: str
    kind = "delete-org"
    is_destructive = True

    @property
    def target(self) -> str:
        """The organization."""
        return self.name

    @property
    def sentence(self) -> str:
        """What ends."""
        return "The organization is closed; its members and teams end with it."


RemovalAction = HandOver | TrashOwned | RemoveUser | RemoveOrganization


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an owner's repositories; unless it is said, there may be none.

    Raises:
        InvalidInputError: Two things are said at once.
    """

    transfer_to: str | None = None
    to_trash: bool = False

    def __post_init__(self) -> None:
        if self.transfer_to is not None and self.to_trash:
            raise InvalidInputError("Repositories go to the trash or to another owner, not both.")


@dataclass(frozen=True, slots=True)
class OwnerRemoval:
    """The closing of one account or organization."""

    sessions: sessionmaker[Session]
    root: Path
    name: str
    kind: OwnerType
    fate: Fate = Fate()
    by: Origin = SYSTEM

    def task(self, run_dir: Path) -> Task[RemovalAction]:
        """Return the work, for others to show, ask about and apply."""
        return Task(self.build, self.perform, Lock(self.sessions, run_dir, LOCK))

    def build(self) -> Plan[RemovalAction]:
        """Look what there is to be done.

        Raises:
            NotFoundError: There is no such owner, or none to hand repositories to.
            ConflictError: It owns repositories whose fate is not said, somebody has repositories
                of the same names, or an organization would be left without an owner.
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
            owned = repositories.list_owned(session, owner.id)
            live = [row for row in owned if row.is_live]
            fates = self._fates(session, owner, live)
        return Plan((*fates, last), self._remarks(owner, len(owned) - len(live)))

    def perform(self, action: RemovalAction) -> None:
        """Do one thing, if it is still to be done.

        Raises:
            RefusedError: It cannot be done; the sentence says why.
        """
        match action:
            case HandOver():
                hand_over(self.sessions, self.root, action, by=self.by)
            case TrashOwned():
                self._trash(action)
            case RemoveUser():
                self._remove_user(action)
            case RemoveOrganization():
                self._remove_organization(action)

    def _fates(
        self, session: Session, owner: Owner, live: Sequence[OwnedRow]
    ) -> Sequence[HandOver | TrashOwned]:
        if self.fate.transfer_to is not None:
            return plan_hand_over(session, owner, live, self.fate.transfer_to)
        if self.fate.to_trash:
            return [TrashOwned(row.id, RepoName(owner.name, row.name)) for row in live]
        if live:
            raise ConflictError(
                f"{owner.name} owns repositories: {_listed([row.name for row in live])}.",
                hint="Say --transfer-to OWNER or --trash-repositories.",
            )
        return []

    def _remarks(self, owner: Owner, trashed: int) -> tuple[Remark, ...]:
        if not trashed:
            return ()
        stays = f"{trashed} of its repositories are in the trash"
        if self.fate.transfer_to is not None:
            return (Remark("trash", owner.name, f"{stays} and go to the new owner."),)
        hint = "'repo restore --owner' brings them back"
        return (Remark("trash", owner.name, f"{stays} and stay there; {hint}."),)

    def _trash(self, action: TrashOwned) -> None:
        discard(self.sessions, self.root, action.repo_id, by=self.by)

    def _remove_user(self, action: RemoveUser) -> None:
        with self.sessions.begin() as session:
            if users.find_user(session, action.user_id) is None:
                return
            self._hand_over_trash(session, action.user_id)
            close_account(session, action.user_id)
            record(session, Event("user.delete", "user", action.user_id, action.name), by=self.by)

    def _remove_organization(self, action: RemoveOrganization) -> None:
        with self.sessions.begin() as session:
            if organizations.find_organization(session, action.org_id) is None:
                return
            self._hand_over_trash(session, action.org_id)
            organizations.delete_organization(session, action.org_id, now=utc_now())
            event = Event("organization.delete", "organization", action.org_id, action.name)
            record(session, event, by=self.by)

    def _hand_over_trash(self, session: Session, owner_id: uuid.UUID) -> None:
        if self.fate.transfer_to is not None:
            new_owner = get_owner(session, self.fate.transfer_to)
            trash.hand_over_trash(session, owner_id, new_owner.owner_id)


def close_account(session: Session, user_id: uuid.UUID) -> None:
    """Close an account and end all that lets anybody in as it.

    Raises:
        NotFoundError: There is no such account.
        ConflictError: It owns repositories, or alone owns an organization.
    """
    now = utc_now()
    users.delete_user(session, user_id, now=now)
    sign_ins.revoke_all(session, user_id, now)
    tokens.revoke_tokens_of(session, user_id, now)
    for key in ssh_keys.list_ssh_keys(session, user_id):
        ssh_keys.remove_ssh_key(session, user_id, key.id)


def plan_hand_over(
    session: Session, owner: Owner, live: Sequence[OwnedRow], new_owner: str
) -> list[HandOver]:
    """Return what hands an owner's repositories to another.

    Raises:
        NotFoundError: There is no such new owner.
        ConflictError: It is the same, or has repositories of the same names.
    """
    heir = get_owner(session, new_owner)
    if heir.owner_id == owner.id:
        raise ConflictError(f"{owner.name} cannot take over from itself.")
    taken = {
        name_key(row.name) for row in repositories.list_owned(session, heir.owner_id) if row.is_live
    }
    clashes = [row.name for row in live if name_key(row.name) in taken]
    if clashes:
        raise ConflictError(
            f"{heir.name} has repositories of the same names: {_listed(clashes)}.",
            hint=f"Rename them first: wit-admin repo rename {owner.name}/{clashes[0]} NAME",
        )
    return [HandOver(row.id, RepoName(owner.name, row.name), heir.name) for row in live]


def hand_over(
    sessions: sessionmaker[Session], root: Path, action: HandOver, *, by: Origin = SYSTEM
) -> None:
    """Give a repository to its new owner, unless it is there or gone already.

    Raises:
        NotFoundError: There is no such new owner.
        ConflictError: The new owner has one of that name.
    """
    with sessions() as session:
        name = repositories.find_name(session, action.repo_id)
    if name is not None and name.owner != action.new_owner:
        transfer_repository(sessions, root, action.repo_id, action.new_owner, by=by)


def _refuse_orphans(session: Session, owner: Owner) -> None:
    kept = organizations.list_kept_by(session, owner.id)
    if kept:
        raise ConflictError(
            f"{owner.name} is the only owner of {_listed(kept)}; "
            "an organization cannot be without an owner.",
            hint=f"Name another owner: wit-admin org member add {kept[0]} USER --role owner",
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown
