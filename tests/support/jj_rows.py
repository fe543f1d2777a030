"""Rows of jj repositories as tests compare them, and moments of a repository's life."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW
from tests.support.jj_fixtures import Fixture
from tests.support.jj_writer import JjWriter
from wit_admin.db.base import Base
from wit_admin.db.models.jj import (
    Bookmark,
    Change,
    ChangeCommit,
    Conflict,
    JjOperation,
)
from wit_admin.services.jj.sync import JjSyncResult, sync_repository

KINDS: tuple[type[Base], ...] = (Change, ChangeCommit, Bookmark, JjOperation)
NOT_COMPARED = {"id", "repo_id", "updated_at", "created_at"}


def rows(sessions: sessionmaker[Session], repo_id: uuid.UUID, model: type[Base]) -> list[Any]:
    table = model.__table__
    columns = [column for column in table.columns if column.name not in NOT_COMPARED]
    with sessions() as session:
        found = session.execute(select(*columns).where(table.c.repo_id == repo_id))
        return sorted((tuple(row) for row in found), key=repr)


def sync(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter | Fixture
) -> JjSyncResult:
    return sync_repository(sessions, repo_id, writer.workspace, now=NOW)


def go_to(fixture: Fixture, step: int) -> list[str]:
    """Put the operation heads of a step in place, and return them."""
    heads: list[str] = fixture.oracle["steps"][step]["op_heads"]
    folder = fixture.workspace / ".jj/repo/op_heads/heads"
    for head in heads:
        (folder / head).touch()
    for path in folder.iterdir():
        if path.name not in heads:
            path.unlink()
    return heads


def state(sessions: sessionmaker[Session], repo_id: uuid.UUID) -> list[list[Any]]:
    """Return all rows but those of resolved conflicts, which only who was there can know of."""
    place = list(Conflict.__table__.columns.keys()).index("resolved") - len(
        NOT_COMPARED & set(Conflict.__table__.columns.keys())
    )
    conflicts = [row for row in rows(sessions, repo_id, Conflict) if not row[place]]
    return [conflicts, *(rows(sessions, repo_id, kind) for kind in KINDS)]
