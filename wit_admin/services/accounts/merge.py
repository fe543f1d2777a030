"""Merges one account into another.

The account is blocked first, so that nothing new is made in its name meanwhile. Then each
repository is transferred; its old URL still leads to it. The last action moves everything else in
one transaction and closes the account. A run that failed or was killed is completed by the next.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.queries import merging, repository_lists, tokens, trash, users
from wit_admin.db.queries import sessions as user_sessions
from wit_admin.db.queries.merging import Holdings
from wit_admin.errors import NotFoundError
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.locks import Lock
from wit_admin.services.lookups import get_user
from wit_admin.services.owners.actions import OwnerAction
from wit_admin.services.owners.removal import LOCK, close_account
from wit_admin.services.owners.repositories import hand_over, plan_hand_over, tell_trash
from wit_admin.services.plans import Plan, Remark, Task
from wit_admin.services.repositories.actions import Transfer


@dataclass(frozen=True, slots=True)
class BlockUser(OwnerAction):
    """Block the account that is merged into another."""

    kind = "block-user"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """What the account loses."""
        return "Its sessions end and its tokens are revoked, so that nothing new is made."


@dataclass(frozen=True, slots=True)
class MergeUser(OwnerAction):
    """Move the rest of an account, and close it."""

    into_id: uuid.UUID
    into: str
    held: Holdings
    kind = "merge-user"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """What moves to the other account."""
        return (
            f"Memberships ({self.held.organizations}), collaborations "
            f"({self.held.collaborations}) and activities ({self.held.activities}) become "
            f"{self.into}'s, and so do issues, reviews, comments, stars and watches. Its password "
            "and keys end; the name is free again."
        )


MergeAction = BlockUser | Transfer | MergeUser


@dataclass(frozen=True, slots=True)
class AccountMerge:
    """The merge of one account into another."""

    sessions: sessionmaker[Session]
    root: Path
    name: str
    into: str
    by: Origin = SYSTEM

    def task(self, run_dir: Path) -> Task[MergeAction]:
        """Return the task, which callers can show, confirm and apply."""
        return Task(self.build, self.perform, Lock(self.sessions, run_dir, LOCK))

    def build(self) -> Plan[MergeAction]:
        """Plan the merge.

        Raises:
            NotFoundError: One of the accounts does not exist.
            ConflictError: They are the same, or both have repositories of the same names.
        """
        with self.sessions() as session:
            going, staying = get_user(session, self.name), get_user(session, self.into)
            owned = repository_lists.list_owned(session, going.id)
            live = [row for row in owned if row.is_live]
            moves = plan_hand_over(session, going, live, staying.name)
            held = merging.count_holdings(session, going.id)
        trashed = len(owned) - len(live)
        sentence = f"{trashed} of its repositories are in the trash and become {staying.name}'s."
        return Plan(
            (
                BlockUser(going.id, going.name),
                *moves,
                MergeUser(going.id, going.name, staying.id, staying.name, held),
            ),
            (Remark("trash", going.name, sentence),) if trashed else (),
        )

    def perform(self, action: MergeAction) -> None:
        """Carry out one action, if it is still needed.

        Raises:
            RefusedError: It is impossible; the message says why.
        """
        match action:
            case BlockUser():
                self._block(action)
            case Transfer():
                hand_over(self.sessions, self.root, action, by=self.by)
            case MergeUser():
                self._merge(action)

    def _block(self, action: BlockUser) -> None:
        now = utc_now()
        with self.sessions.begin() as session:
            user = users.find_user(session, action.owner_id)
            if user is None:
                return
            was_open = user.blocked_at is None
            users.update_user(session, user.id, now=now, blocked_at=user.blocked_at or now)
            user_sessions.revoke_all(session, user.id, now)
            revoked = tokens.revoke_tokens_of(session, user.id, now)
            if was_open or revoked:
                told = {"tokens_revoked": revoked}
                event = Event("user.block", "user", user.id, user.name, after=told)
                record(session, event, by=self.by)

    def _merge(self, action: MergeUser) -> None:
        now = utc_now()
        tell_trash(self.sessions, self.root, action.owner_id, action.into)
        with self.sessions.begin() as session:
            if users.find_user(session, action.owner_id) is None:
                return
            if users.find_user(session, action.into_id) is None:
                raise NotFoundError(f"There is no user {action.into} any more.")
            trash.hand_over_trash(session, action.owner_id, action.into_id)
            merging.move_memberships(session, action.owner_id, action.into_id, now=now)
            merging.move_stars(session, action.owner_id, action.into_id)
            merging.move_activity(session, action.owner_id, action.into_id)
            close_account(session, action.owner_id)
            told = {"into": action.into, "organizations": action.held.organizations}
            event = Event("user.merge", "user", action.owner_id, action.name, after=told)
            record(session, event, by=self.by)
