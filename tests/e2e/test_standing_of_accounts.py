"""What git users may do follows the commands at once, in every worker, on both databases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.conftest import KINDS
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.processes import children_of
from tests.support.repositories import commit
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.organizations import OrgRole
from wit_admin.db.queries.users import UserFilter
from wit_admin.names import TeamName
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.accounts import create_user, list_users
from wit_admin.services.accounts.sessions import create_session
from wit_admin.services.accounts.tokens import TokenOrder, create_token
from wit_admin.services.organizations.members import set_member
from wit_admin.services.organizations.organizations import create_organization
from wit_admin.services.organizations.team_members import add_team_member
from wit_admin.services.organizations.teams import create_team

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse"


@dataclass(frozen=True, slots=True)
class Acme:
    """A server with two workers; alice owns acme, which owns the private ``acme/demo``."""

    server: RunningServer
    sessions: sessionmaker[Session]

    @property
    def workers(self) -> list[int]:
        return children_of(self.server.process.pid)

    @contextmanager
    def alone(self, worker: int) -> Iterator[None]:
        """Let this worker answer all that is asked meanwhile."""
        others = [pid for pid in self.workers if pid != worker]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def reads(self, folder: Path, secret: str, repository: str = "acme/demo") -> bool:
        url = self.server.remote(repository, token=secret)
        return run_git(folder, "ls-remote", url, check=False).returncode == 0

    def push(self, work: Path, secret: str) -> subprocess.CompletedProcess[str]:
        commit(work, f"commit {os.urandom(4).hex()}")
        url = self.server.remote("acme/demo", token=secret)
        return run_git(work, "push", "--force", url, "HEAD:refs/heads/main", check=False)

    def new_user(self, name: str) -> str:
        """Make an account and return a token of it."""
        create_user(self.sessions, name, password=PASSWORD)
        order = TokenOrder("test", [Scope.REPO_WRITE])
        return create_token(self.sessions, name, order=order).token


@pytest.fixture(scope="module", params=KINDS)
def acme(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Acme]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    home = tmp_path_factory.mktemp("forge") / "home"
    with (
        databases.create() as url,
        running_server(home, "--workers=2", variables=[("DATABASE_URL", url)]) as server,
    ):
        engine = open_engine(url)
        acme = Acme(server, make_sessions(engine))
        acme.new_user("alice")
        create_organization(acme.sessions, "acme", owner="alice")
        server.admin("repo", "create", "acme/demo", "--private")
        yield acme
        engine.dispose()


def test_team_lets_its_members_push_until_it_is_taken_away(acme: Acme, work: Path) -> None:
    secret = acme.new_user("bob")
    as_stranger = acme.push(work, secret)
    set_member(acme.sessions, "acme", "bob", OrgRole.MEMBER)
    as_member = acme.push(work, secret)
    create_team(acme.sessions, TeamName("acme", "core"))
    add_team_member(acme.sessions, TeamName("acme", "core"), "bob")
    acme.server.admin("team", "repo", "add", "acme/core", "demo", "--permission", "write")

    as_writer = acme.push(work, secret)
    acme.server.admin("team", "repo", "remove", "acme/core", "demo")
    afterwards = acme.push(work, secret)
    reads_as_member = acme.reads(work, secret)
    acme.server.admin("org", "member", "remove", "acme", "bob")

    assert "not found" in as_stranger.stderr
    assert "Write permission is needed to push." in as_member.stderr
    assert as_writer.returncode == 0, as_writer.stderr
    assert "Write permission is needed to push." in afterwards.stderr
    assert [reads_as_member, acme.reads(work, secret)] == [True, False]


def test_admin_of_an_organization_creates_in_it_by_push(acme: Acme, work: Path) -> None:
    secret = acme.new_user("dora")
    url = acme.server.remote("acme/new", token=secret)
    set_member(acme.sessions, "acme", "dora", OrgRole.MEMBER)
    as_member = run_git(work, "push", url, "HEAD:refs/heads/main", check=False)

    acme.server.admin("org", "member", "add", "acme", "dora", "--role", "admin")
    as_admin = run_git(work, "push", url, "HEAD:refs/heads/main", check=False)

    assert as_member.returncode != 0
    assert as_admin.returncode == 0, as_admin.stderr


def test_block_ends_every_kind_of_credential_in_every_worker(acme: Acme, work: Path) -> None:
    token = acme.new_user("eve")
    session = create_session(acme.sessions, "eve", lifetime=timedelta(days=1)).token
    set_member(acme.sessions, "acme", "eve", OrgRole.MEMBER)
    secrets = [token, session, f"eve:{PASSWORD.replace(' ', '%20')}"]
    assert len(acme.workers) == 2

    def reads_by_worker() -> list[list[bool]]:
        found = []
        for worker in acme.workers:
            with acme.alone(worker):
                found.append([acme.reads(work, secret) for secret in secrets])
        return found

    before = reads_by_worker()
    acme.server.admin("user", "block", "eve")
    blocked = reads_by_worker()
    acme.server.admin("user", "unblock", "eve")

    assert before == [[True, True, True]] * 2
    assert blocked == [[False, False, False]] * 2
    # Tokens and the password rested; sessions are gone for good.
    assert reads_by_worker() == [[True, False, True]] * 2


def test_merged_account_s_old_urls_take_the_other_s_pushes(
    acme: Acme, work: Path, tmp_path: Path
) -> None:
    secret, other = acme.new_user("octo"), acme.new_user("fay")
    first = run_git(work, "push", acme.server.remote("octo/found", token=secret), "main")

    acme.server.admin("user", "merge", "octo", "fay", "--yes")

    assert first.returncode == 0
    for worker in acme.workers:
        with acme.alone(worker):
            assert not acme.reads(work, secret, "octo/found")
            assert not acme.reads(work, secret, "fay/found")
            assert acme.reads(work, other, "fay/found")
    old_url = acme.server.remote("octo/found", token=other)
    run_git(tmp_path, "clone", "--quiet", old_url, "clone")
    commit(tmp_path / "clone", "by the old URL")
    run_git(tmp_path / "clone", "push", "--quiet")
    rows = json.loads(acme.server.admin("activity", "list", "fay/found", "--json"))
    assert [(row["type"], row["actor"]) for row in rows] == [
        ("push", "fay"),
        ("clone", "fay"),
        ("push", "fay"),
    ]


def test_owner_found_on_disk_is_claimed_and_pushes(acme: Acme, work: Path) -> None:
    for owner in ("ghost", "guild"):
        place = acme.server.home / f"repos/{owner}/found.git"
        run_git(work, "clone", "--quiet", "--bare", str(work), str(place))
    acme.server.admin("sync-repos")
    listed = list_users(acme.sessions, UserFilter(is_placeholder=True))

    password = acme.server.admin("user", "claim", "ghost", "--generate-password")
    acme.server.admin("org", "claim", "guild", "--owner", "ghost")

    assert [row.username for row in listed] == ["ghost", "guild"]
    for owner in ("ghost", "guild"):
        commit(work, f"for {owner}")
        url = acme.server.remote(f"{owner}/found", token=f"ghost:{password}")
        pushed = run_git(work, "push", "--quiet", url, "HEAD:refs/heads/main", check=False)
        assert pushed.returncode == 0, pushed.stderr
    assert list_users(acme.sessions, UserFilter(is_placeholder=True)) == []
