"""Repositories with jj workspaces, on a disk and in a database."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_user
from tests.support.jj_writer import JjWriter
from wit_admin.db.models.jj import JjOperation, JjSyncState
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import repositories
from wit_admin.db.queries.repositories import NewRepository


@dataclass(slots=True)
class WatchSite:
    """Repositories of alice's, each with a jj workspace that tests write as jj would."""

    sessions: sessionmaker[Session]
    root: Path
    owner_id: uuid.UUID = field(init=False)
    _heads: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.sessions.begin() as session:
            self.owner_id = make_user(session)

    def add_row(self, name: str = "demo") -> uuid.UUID:
        """Let the database know ``alice/name``, and put nothing on disk."""
        with self.sessions.begin() as session:
            new = NewRepository(owner_id=self.owner_id, name=name, disk_path=f"alice/{name}.git")
            return repositories.create_repository(session, new, now=NOW).id

    def add(self, name: str = "demo", *, inside: bool = False) -> JjWriter:
        """Make ``alice/name``, and its workspace beside the bare repository or ``inside`` of it."""
        # In this order, as a watcher at work would find half a workspace, and call it damaged.
        writer = self.add_workspace(name, inside=inside)
        self.add_row(name)
        return writer

    def add_workspace(self, name: str = "demo", *, inside: bool = False) -> JjWriter:
        """Make the workspace alone, with one operation."""
        writer = JjWriter(self.root / f"alice/{name}{'.git' if inside else ''}")
        self.operate(writer, "first")
        return writer

    def operate(self, writer: JjWriter, description: str) -> str:
        """Do what one jj command does; return the operation."""
        before = self._heads.get(writer.workspace)
        view = writer.view(writer.commit(description=description))
        parents = () if before is None else (before,)
        head = writer.publish(view, *parents, description=description)
        self._heads[writer.workspace] = head
        return head

    def head_of(self, writer: JjWriter) -> str:
        """Return the operation that :meth:`operate` made last.

        What is to take its place must have it among its ancestors, as it has in jj: a watcher may
        see both, and is not told when the name of the old one goes.
        """
        return self._heads[writer.workspace]

    def operations(self, name: str = "demo") -> list[str]:
        """Return what the database knows of the operation log, oldest first."""
        query = (
            select(JjOperation.description)
            .join(Repository, Repository.id == JjOperation.repo_id)
            .where(Repository.name == name)
            .order_by(JjOperation.ended_at)
        )
        with self.sessions() as session:
            return list(session.scalars(query))

    def state(self) -> JjSyncState:
        """Return what is written down of the only repository."""
        with self.sessions() as session:
            return session.scalars(select(JjSyncState)).one()

    def states(self) -> dict[str, JjSyncState]:
        """Return what is written down, by repository."""
        query = select(Repository.name, JjSyncState).join(
            JjSyncState, JjSyncState.repo_id == Repository.id
        )
        with self.sessions() as session:
            return {row.name: row.JjSyncState for row in session.execute(query)}
