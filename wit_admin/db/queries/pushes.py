"""The push journal, and what a settled push changes: activity, ``pushed_at``, default branch."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, delete, insert, select, update
from sqlalchemy.orm import Session

from wit_admin.db.core import execute_core, table_of
from wit_admin.db.models.events import Activity
from wit_admin.db.models.pushes import PushEntry, PushState
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries.tokens import revoke_tokens_for_only

_MAX_PENDING = 10_000


@dataclass(frozen=True, slots=True)
class PendingPush:
    """A journal entry whose outcome is not written down yet."""

    push_id: uuid.UUID
    repo_id: uuid.UUID
    actor_id: uuid.UUID | None
    server_id: str | None
    disk_path: str
    is_creation: bool
    commands: tuple[dict[str, str], ...]
    created_at: datetime
    token_id: uuid.UUID | None
    request_id: str | None


# Each push runs these. Built once and run without the ORM they take a third of the time.
_JOURNAL, _REPOSITORIES = table_of(PushEntry), table_of(Repository)
_INSERT = insert(_JOURNAL)
_SETTLE = (
    update(_JOURNAL)
    .where(_JOURNAL.c.id == bindparam("push_id"), _JOURNAL.c.state == PushState.PENDING)
    .values(
        state=PushState.SETTLED, outcome=bindparam("outcome_"), settled_at=bindparam("settled_at_")
    )
)
_PUSHED_AT = bindparam("moment", type_=_REPOSITORIES.c.pushed_at.type)
_TOUCH = (
    update(_REPOSITORIES)
    .where(_REPOSITORIES.c.id == bindparam("repo_id"))
    # A push that is recorded late does not take the place of a later one.
    .values(
        pushed_at=case(
            (_REPOSITORIES.c.pushed_at > _PUSHED_AT, _REPOSITORIES.c.pushed_at), else_=_PUSHED_AT
        ),
        updated_at=case(
            (_REPOSITORIES.c.updated_at > _PUSHED_AT, _REPOSITORIES.c.updated_at), else_=_PUSHED_AT
        ),
    )
)
_SET_BRANCH = (
    update(_REPOSITORIES)
    .where(_REPOSITORIES.c.id == bindparam("repo_id"))
    .values(default_branch=bindparam("branch"))
)


def insert_push(session: Session, **values: Any) -> None:
    """Write a pending entry; the values are :class:`PushEntry`'s columns."""
    execute_core(session, _INSERT, values)


def list_pending(session: Session, *, host: str) -> list[PendingPush]:
    """Return the pending entries of one host, oldest first; :data:`_MAX_PENDING` at most."""
    rows = session.execute(
        select(
            PushEntry.id,
            PushEntry.repo_id,
            PushEntry.actor_id,
            PushEntry.server_id,
            Repository.disk_path,
            PushEntry.is_creation,
            PushEntry.commands,
            PushEntry.created_at,
            PushEntry.token_id,
            PushEntry.request_id,
        )
        .join(Repository, Repository.id == PushEntry.repo_id)
        .where(PushEntry.state == PushState.PENDING, PushEntry.host == host)
        .order_by(PushEntry.id)
        .limit(_MAX_PENDING)
    )
    return [
        PendingPush(row[0], row[1], row[2], row[3], row[4], row[5], tuple(row[6]), *row[7:])
        for row in rows
    ]


def mark_settled(
    session: Session, push_id: uuid.UUID, outcome: dict[str, Any], now: datetime
) -> bool:
    """Settle a pending entry; return false if it is settled already."""
    values = {"push_id": push_id, "outcome_": outcome, "settled_at_": now}
    return bool(execute_core(session, _SETTLE, values).rowcount)


def list_ref_updates(
    session: Session, repo_id: uuid.UUID, ref: str, *, since: datetime
) -> list[tuple[str, str]]:
    """Return (before, after) of each update of ``ref`` recorded at ``since`` or later."""
    rows = session.execute(
        select(Activity.before, Activity.after)
        .where(
            Activity.repo_id == repo_id,
            Activity.ref == ref,
            Activity.created_at >= since,
            Activity.push_id.is_not(None),
        )
        .order_by(Activity.created_at, Activity.id)
    )
    return [(before or "", after or "") for before, after in rows]


def find_last_value(session: Session, repo_id: uuid.UUID, ref: str) -> str | None:
    """Return the value that the latest recorded update gave to ``ref``."""
    return session.scalars(
        select(Activity.after)
        .where(Activity.repo_id == repo_id, Activity.ref == ref, Activity.push_id.is_not(None))
        .order_by(Activity.created_at.desc(), Activity.id.desc())
        .limit(1)
    ).one_or_none()


def touch_repository(
    session: Session, repo_id: uuid.UUID, *, pushed_at: datetime, default_branch: str | None
) -> None:
    """Note a push that git accepted."""
    execute_core(session, _TOUCH, {"repo_id": repo_id, "moment": pushed_at})
    if default_branch is not None:
        execute_core(session, _SET_BRANCH, {"repo_id": repo_id, "branch": default_branch})


def has_creation(session: Session, repo_id: uuid.UUID) -> bool:
    """Return whether a push made this repository and none has been accepted since."""
    query = (
        select(PushEntry.id)
        .join(Repository, Repository.id == PushEntry.repo_id)
        .where(
            PushEntry.repo_id == repo_id,
            PushEntry.is_creation,
            Repository.pushed_at.is_(None),
        )
    )
    return session.scalars(query.limit(1)).first() is not None


def delete_if_unpushed(session: Session, repo_id: uuid.UUID, now: datetime) -> bool:
    """Delete the row of a repository that a push made, none was accepted into and none waits for.

    The row is locked first: a push that is being journalled is then either seen, or finds the
    repository gone.
    """
    session.execute(select(Repository.id).where(Repository.id == repo_id).with_for_update())
    if not has_creation(session, repo_id) or _has_pending(session, repo_id):
        return False
    revoke_tokens_for_only(session, repo_id, now)
    session.execute(delete(Repository).where(Repository.id == repo_id))
    return True


def _has_pending(session: Session, repo_id: uuid.UUID) -> bool:
    query = select(PushEntry.id).where(
        PushEntry.repo_id == repo_id, PushEntry.state == PushState.PENDING
    )
    return session.scalars(query.limit(1)).first() is not None
