"""A database and a repository root, seen by who owns what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import repository_lists, serving
from wit_admin.git.repositories import own_config
from wit_admin.names import RepoName
from wit_admin.services.repositories.creation import RepositoryOrder, create_repository

ORDER = RepositoryOrder(Visibility.PRIVATE)


@dataclass(frozen=True, slots=True)
class OwnerSite:
    """A database, and a repository root."""

    sessions: sessionmaker[Session]
    root: Path

    @property
    def run_dir(self) -> Path:
        """The folder of locks."""
        return self.root.parent / "run"

    def create(self, *names: str) -> None:
        """Make repositories."""
        for name in names:
            create_repository(self.sessions, self.root, RepoName.parse(name), ORDER)

    def names(self) -> list[str]:
        """Return owner and name of each live repository, sorted."""
        with self.sessions() as session:
            rows = repository_lists.list_repositories(session)
        return sorted(f"{row.owner}/{row.name}" for row in rows)

    def own(self, name: str) -> dict[str, str] | None:
        """Return what the repository that git reaches by this name says of itself.

        Its folder is there, and says the id that the row has.
        """
        with self.sessions() as session:
            row = serving.find_served(session, RepoName.parse(name), None)
        if row is None:
            return None
        own = own_config.read_own(self.root / row.disk_path)
        assert own["id"] == str(row.repo_id)
        return own

    def leads_to(self, name: str) -> str | None:
        """Return what the repository that git reaches by this name says it is called."""
        own = self.own(name)
        return None if own is None else f"{own['owner']}/{own['name']}"
