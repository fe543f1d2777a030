"""Which state of its jj repository the rows of a repository describe."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from wit_admin.db.core import table_of
from wit_admin.db.models.jj import JjSyncState, PushedHeads

_STATES = table_of(JjSyncState)
_IS_OURS = _STATES.c.repo_id == bindparam("repo")


class StateRow(NamedTuple):
    """How far a repository was synced."""

    op_heads: list[str]
    kinds: list[str]
    depth: int | None
    synced_at: datetime | None


_FIND = select(*(_STATES.c[name] for name in StateRow._fields)).where(_IS_OURS)
_LOCK = _FIND.with_for_update()
_SAVE = update(_STATES).where(_IS_OURS)


@dataclass(frozen=True, slots=True)
class SyncState:
    """Which state of its jj repository the rows of a repository describe."""

    path: str
    op_heads: tuple[str, ...]
    synced_at: datetime | None
    """``None`` if it never came to an end."""
    error: str | None
    """Why the last attempt failed; ``None`` if it did not."""


def find(connection: Connection, repo_id: uuid.UUID) -> StateRow | None:
    """Return how far a repository was synced; ``None`` if nobody ever synced or watched it."""
    row = connection.execute(_FIND, {"repo": repo_id}).one_or_none()
    return None if row is None else StateRow(*row)


def lock(connection: Connection, repo_id: uuid.UUID, *, path: str) -> StateRow:
    """Return the same, and lock it: nobody else syncs the repository until the transaction ends."""
    row = connection.execute(_LOCK, {"repo": repo_id}).one_or_none()
    if row is None:
        # A row that is not there cannot be locked.
        first = {
            "repo_id": repo_id,
            "path": path,
            "op_heads": [],
            "kinds": [],
            "failures": 0,
            "is_watched": True,
        }
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(_STATES).on_conflict_do_nothing(), first)
        row = connection.execute(_LOCK, {"repo": repo_id}).one()
    return StateRow(*row)


def save(connection: Connection, repo_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Store how far it is synced now."""
    connection.execute(_SAVE, {"repo": repo_id, **values})


def find_state(session: Session, repo_id: uuid.UUID) -> SyncState | None:
    """Return which state the rows of a repository describe; ``None`` if no sync ever began."""
    query = select(
        JjSyncState.path, JjSyncState.op_heads, JjSyncState.synced_at, JjSyncState.error
    ).where(JjSyncState.repo_id == repo_id)
    row = session.execute(query).one_or_none()
    return None if row is None else SyncState(row[0], tuple(row[1]), row[2], row[3])


def find_moment(session: Session, repo_id: uuid.UUID) -> tuple[tuple[str, ...], ...] | None:
    """Return a value that differs whenever the rows do; ``None`` before there can be any."""
    state = find_state(session, repo_id)
    pushed = select(PushedHeads.heads).where(
        PushedHeads.repo_id == repo_id, PushedHeads.pushed_at.is_not(None)
    )
    heads = session.scalars(pushed).one_or_none()
    if heads is None and (state is None or state.synced_at is None):
        return None
    return (state.op_heads if state is not None else (), tuple(heads or ()))
