"""A forge with protected refs: alice owns repositories, bob may write to them."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.kernel import unreaped_children_of
from tests.support.listing import listed_below
from tests.support.processes import wait_until
from tests.support.repositories import commit, new_work
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.queries import members, organizations, teams
from wit_admin.db.queries.activities import ActivityRow
from wit_admin.db.queries.pushes import list_pending
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.tokens import TokenOrder, create_token
from wit_admin.services.lookups import get_user
from wit_admin.services.repositories import collaborators, protections
from wit_admin.services.repositories.listing import list_activity
from wit_admin.services.repositories.protections import ProtectionOrder

CHECK_TIMEOUT_S = 120
"""Longer than anything takes that ends: what is seen before that is not the timeout's work."""


def new_history(folder: Path) -> Path:
    """Make a repository with a working tree and two commits on ``main``."""
    new_work(folder)
    commit(folder, "first")
    commit(folder, "second")
    return folder


@dataclass(frozen=True, slots=True)
class Protected:
    """A server on which alice has repositories, and bob may write to them."""

    server: RunningServer
    sessions: sessionmaker[Session]
    tokens: dict[str, str]

    def gitdir(self, name: str) -> Path:
        return self.server.home / f"repos/alice/{name}.git"

    def url(self, name: str, user: str = "alice") -> str:
        return self.server.remote(f"alice/{name}", token=self.tokens[user])

    def begin(self, name: str, work: Path, *refspecs: str) -> None:
        """Make a repository by a first push, and let bob write to it."""
        run_git(work, "push", "--quiet", self.url(name), *(refspecs or ("main",)))
        repository = RepoName("alice", name)
        collaborators.add_collaborator(self.sessions, repository, "bob", Permission.WRITE)

    def protect(self, name: str, pattern: str, **order: object) -> None:
        wanted = ProtectionOrder(pattern, **order)  # type: ignore[arg-type]
        protections.add_protection(self.sessions, RepoName("alice", name), wanted)

    def add_team(self, organization: str, team: str, member: str) -> None:
        """Make a team of alice's with one member."""
        with self.sessions.begin() as session:
            owner_id, user_id = get_user(session, "alice").id, get_user(session, member).id
            made = organizations.create_organization(
                session, organization, owner_id=owner_id, now=NOW
            )
            members.set_member(session, made.id, user_id, OrgRole.MEMBER, now=NOW)
            team_id = teams.create_team(session, made.id, team, now=NOW).id
            teams.add_team_member(session, team_id, user_id, now=NOW)

    def push(
        self, work: Path, name: str, *arguments: str, user: str = "alice"
    ) -> subprocess.CompletedProcess[str]:
        return run_git(work, "push", self.url(name, user), *arguments, check=False)

    def pushes(self, name: str) -> list[ActivityRow]:
        """Return what is recorded of pushes, oldest first."""
        repository = RepoName("alice", name)
        rows = list_activity(self.sessions, repository=repository, limit=99)
        return [row for row in rows[::-1] if row.type == "push"]

    def pending(self) -> int:
        """Return how many pushes wait in the journal to be settled."""
        with self.sessions() as session:
            return len(list_pending(session, host=socket.gethostname()))

    def install(self, name: str, script: str) -> None:
        """Put a check where the server looks for them."""
        folder = self.server.home / "checks"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)


@contextmanager
def open_protected(
    databases: SqliteDatabases | PostgresDatabases,
    home: Path,
    *flags: str,
    path: str | None = None,
    check_timeout_s: int = CHECK_TIMEOUT_S,
) -> Iterator[Protected]:
    """Serve such a forge, whose programs are in ``path`` if given.

    It must be left without children, hooks and quarantines.
    """
    with databases.create() as url:
        variables = [("DATABASE_URL", url), ("WIT_CHECK_TIMEOUT", str(check_timeout_s))]
        variables += [] if path is None else [("PATH", path)]
        with running_server(home, *flags, variables=variables) as server:
            engine = open_engine(url)
            try:
                sessions = make_sessions(engine)
                order, tokens = TokenOrder("test", [Scope.REPO_WRITE]), {}
                for username in ("alice", "bob"):
                    create_user(sessions, username)
                    tokens[username] = create_token(sessions, username, order=order).token
                yield Protected(server, sessions, tokens)
            finally:
                engine.dispose()
            wait_until(lambda: not unreaped_children_of(server.process.pid))
            assert not list((home / "run/hooks").glob("*"))
            assert not listed_below(home / "repos", "*incoming-*")


def rewrite(work: Path) -> None:
    """Put another commit in the place of the last one."""
    run_git(work, "reset", "--quiet", "--hard", "HEAD~1")
    commit(work, "another")
