"""A database and a repository root, seen from both sides at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.db.queries import serving
from wit_admin.git.repositories import own_config
from wit_admin.names import RepoName
from wit_admin.services.lookups import get_repository_id
from wit_admin.services.repositories import moves
from wit_admin.services.repositories.creation import RepositoryOrder, create_repository
from wit_admin.services.repositories.plans import RepositoryPlans

DEMO = RepoName("alice", "demo")
ORDER = RepositoryOrder(Visibility.PUBLIC, description="A try")


@dataclass(frozen=True, slots=True)
class Site:
    """A database with two accounts, and a repository root."""

    sessions: sessionmaker[Session]
    root: Path

    def create(self, name: RepoName = DEMO) -> uuid.UUID:
        """Make a repository and mark its folder, to know it again."""
        made = create_repository(self.sessions, self.root, name, ORDER)
        (self.folder(name) / "mark").write_text(str(made.id))
        return made.id

    def rename(self, name: RepoName, new_name: str) -> moves.ChangedRepository:
        """Give a repository another name."""
        return moves.rename_repository(self.sessions, self.root, name, new_name)

    def transfer(self, name: RepoName, owner: str) -> None:
        """Hand a repository over."""
        with self.sessions() as session:
            repo_id = get_repository_id(session, name)
        moves.transfer_repository(self.sessions, self.root, repo_id, owner)

    def plans(self) -> RepositoryPlans:
        """Return what makes plans."""
        return RepositoryPlans(self.sessions, self.root, self.root.parent / "run")

    def folder(self, name: RepoName) -> Path:
        """Return where git would find it, by this name or a redirect."""
        with self.sessions() as session:
            row = serving.find_served(session, name, None)
        assert row is not None
        return self.root / row.disk_path

    def leads_to(self, name: RepoName) -> uuid.UUID | None:
        """Return which repository a client reaches by this name."""
        with self.sessions() as session:
            row = serving.find_served(session, name, None)
        return row.repo_id if row else None

    def assert_whole(self) -> None:
        """Check that each row has its own folder, marked with its id, and no folder is left."""
        with self.sessions() as session:
            rows = {row.disk_path: row for row in session.query(Repository)}
        marks = {
            str(path.parent.relative_to(self.root)): path.read_text()
            for path in self.root.rglob("mark")
        }
        assert marks == {path: str(row.id) for path, row in rows.items()}
        for path, row in rows.items():
            told = own_config.read_own(self.root / path)
            assert (told["id"], told["name"]) == (str(row.id), row.name)
