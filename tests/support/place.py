"""A namespace on a running server, seen from both sides: by URL and on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from tests.support.accounts import opened_database
from tests.support.kernel import unreaped_children_of
from tests.support.listing import listed_below
from tests.support.processes import wait_until
from tests.support.server import RunningServer, run_git
from wit_admin.db.queries.activities import ActivityRow
from wit_admin.db.queries.repository_lists import RepositoryRow
from wit_admin.names import RepoName
from wit_admin.services.access import read_cache
from wit_admin.services.repositories.listing import list_activity, list_repositories


@dataclass(frozen=True, slots=True)
class Place:
    """The repositories of one owner."""

    server: RunningServer
    token: str | None = None
    owner: str = "alice"

    def url(self, name: str) -> str:
        """Return where a client finds the repository; it holds the credentials."""
        return self.server.remote(f"{self.owner}/{name}", token=self.token)

    def gitdir(self, name: str) -> Path:
        """Return where the repository stands on disk."""
        return self.server.home / f"repos/{self.owner}/{name}.git"

    def add(self, name: str, source: Path) -> Path:
        """Put a copy of a repository on disk, behind the server's back."""
        run_git(Path("/"), "clone", "--quiet", "--mirror", str(source), str(self.gitdir(name)))
        return self.gitdir(name)

    def pushes(self, name: str) -> list[ActivityRow]:
        """Return what is recorded of pushes, newest first."""
        return [row for row in self._activities(name) if row.type == "push"]

    def clones(self, name: str) -> int:
        """Return how many clones were counted."""
        return len([row for row in self._activities(name) if row.type == "clone"])

    def row(self, name: str) -> RepositoryRow | None:
        """Return what the database knows of the repository."""
        with self.open_database() as sessions:
            rows = list_repositories(sessions).items
        return next((row for row in rows if (row.owner, row.name) == (self.owner, name)), None)

    @contextmanager
    def open_database(self) -> Iterator[sessionmaker[Session]]:
        """Open the server's own database."""
        with opened_database(self.server) as sessions:
            yield sessions

    def _activities(self, name: str) -> list[ActivityRow]:
        with self.open_database() as sessions:
            return list_activity(sessions, repository=RepoName(self.owner, name), limit=1000)

    def assert_tidy(self) -> None:
        """Check that the server left neither a child nor a lock nor half a push behind."""
        wait_until(lambda: not unreaped_children_of(self.server.process.pid))
        leftovers = ("*.lock", "*incoming-*", "tmp_*", ".new~*", ".old~*")
        wait_until(lambda: not listed_below(self.server.home / "repos", *leftovers))


def let_reads_grow_old() -> None:
    """Wait as long as a public repository that was read is not looked up again."""
    time.sleep(read_cache._FRESH_S)  # noqa: SLF001
