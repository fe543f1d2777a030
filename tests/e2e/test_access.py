"""Who may do what: a table of all combinations, what serve answers, and what explain says."""

from __future__ import annotations

import base64
import http.client
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.conftest import KINDS
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.repositories import commit, new_work
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import (
    collaborators,
    members,
    organizations,
    repositories,
    teams,
    tokens,
    users,
)
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.db.queries.tokens import NewToken
from wit_admin.git import storage
from wit_admin.names import RepoName
from wit_admin.services.access import Action, PushCreate
from wit_admin.services.credentials import digest_secret
from wit_admin.services.explanations import Question, explain

pytestmark = pytest.mark.e2e

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OWNERS = ("alice", "acme")
KINDS_OF_REPOSITORY = (
    (Visibility.PUBLIC, "live"),
    (Visibility.PRIVATE, "live"),
    (Visibility.PRIVATE, "archived"),
    (Visibility.PRIVATE, "deleted"),
)
REPOSITORIES = [(owner, *kind) for owner, kind in itertools.product(OWNERS, KINDS_OF_REPOSITORY)]
CALLERS: dict[str, dict[str, Permission]] = {
    "alice": {"alice": Permission.ADMIN},
    "root": dict.fromkeys(OWNERS, Permission.ADMIN),
    "chief": {"acme": Permission.ADMIN},
    "manager": {"acme": Permission.ADMIN},
    "member": {"acme": Permission.READ},
    "team-read": {"acme": Permission.READ},
    "team-write": {"acme": Permission.WRITE},
    "team-admin": {"acme": Permission.ADMIN},
    "collab-read": dict.fromkeys(OWNERS, Permission.READ),
    "collab-write": dict.fromkeys(OWNERS, Permission.WRITE),
    "collab-admin": dict.fromkeys(OWNERS, Permission.ADMIN),
    "team-write-collab-read": dict.fromkeys(OWNERS, Permission.READ) | {"acme": Permission.WRITE},
    "stranger": {},
}
"""What each may do below which owner, as an operator would say it."""
SHUT_OUT = ("blocked", "deleted")
"""Both are collaborators with write permission; nobody lets them in any more."""
TOKENS = (
    ("repo:write", "everywhere"),
    ("repo:read", "everywhere"),
    ("admin", "everywhere"),
    ("admin repo:write", "everywhere"),
    ("repo:write", "here"),
    ("admin repo:write", "elsewhere"),
)
"""Scopes, and which repositories it is limited to."""
STALE = ("expired", "revoked")


def name_of(owner: str, visibility: Visibility, state: str) -> RepoName:
    return RepoName(owner, f"{visibility.value}-{state}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at the door: with a password, with a token, or with neither."""

    username: str | None = None
    secret: str | None = None
    token_id: uuid.UUID | None = None
    scopes: str | None = None
    limit: str = "everywhere"
    is_let_in: bool = True


@dataclass(slots=True)
class World:
    """Repositories and callers, on a running server."""

    server: RunningServer
    sessions: sessionmaker[Session]
    repo_ids: dict[RepoName, uuid.UUID] = field(default_factory=dict)
    user_ids: dict[str, uuid.UUID] = field(default_factory=dict)
    callers: list[Caller] = field(default_factory=list)
    other: uuid.UUID = field(default_factory=uuid.uuid4)

    def fill(self) -> None:
        """Make all accounts and repositories."""
        with self.sessions.begin() as session:
            for username in (*CALLERS, *SHUT_OUT):
                user = users.create_user(session, username, is_admin=username == "root", now=NOW)
                self.user_ids[username] = user.id
            acme = organizations.create_organization(
                session, "acme", owner_id=self.user_ids["chief"], now=NOW
            )
            roles = {"manager": OrgRole.ADMIN, "member": OrgRole.MEMBER}
            for username in (*roles, *(name for name in CALLERS if name.startswith("team-"))):
                role = roles.get(username, OrgRole.MEMBER)
                members.set_member(session, acme.id, self.user_ids[username], role, now=NOW)
            owners = {"alice": self.user_ids["alice"], "acme": acme.id}
            for owner, visibility, state in REPOSITORIES:
                self._add(session, owners[owner], name_of(owner, visibility, state), visibility)
            new = NewRepository(acme.id, "other", "acme/other.git")
            self.other = repositories.create_repository(session, new, now=NOW).id
            self._add_teams(session, acme.id)
            for name, repo_id in self.repo_ids.items():
                self._settle(session, name, repo_id)
            self.callers = self._invite(session)
            users.update_user(session, self.user_ids["blocked"], blocked_at=NOW, now=NOW)
            users.delete_user(session, self.user_ids["deleted"], now=NOW)

    def _add(
        self, session: Session, owner_id: uuid.UUID, name: RepoName, visibility: Visibility
    ) -> None:
        if not name.name.endswith("deleted"):
            storage.create_bare(self.server.home / "repos", name.disk_path)
        new = NewRepository(owner_id, name.name, name.disk_path, visibility=visibility)
        self.repo_ids[name] = repositories.create_repository(session, new, now=NOW).id

    def _add_teams(self, session: Session, org_id: uuid.UUID) -> None:
        for permission in Permission:
            team = teams.create_team(session, org_id, permission.value, now=NOW)
            for username in self.user_ids:
                if username.startswith(f"team-{permission.value}"):
                    teams.add_team_member(session, team.id, self.user_ids[username], now=NOW)
            for name, repo_id in self.repo_ids.items():
                if name.owner == "acme":
                    teams.grant_team(session, team.id, repo_id, permission, now=NOW)

    def _settle(self, session: Session, name: RepoName, repo_id: uuid.UUID) -> None:
        named = dict.fromkeys(SHUT_OUT, "write")
        named |= {u: u.rpartition("-")[2] for u in CALLERS if "collab-" in u}
        for username, permission in named.items():
            collaborators.set_collaborator(
                session, repo_id, self.user_ids[username], Permission(permission), now=NOW
            )
        if name.name.endswith("archived"):
            repositories.update_repository(session, repo_id, archived_at=NOW, now=NOW)
        if name.name.endswith("deleted"):
            path = f".trash/{repo_id}"
            repositories.delete_repository(session, repo_id, now=NOW, trash_path=path)

    def _invite(self, session: Session) -> list[Caller]:
        """Return everybody who may knock at a repository's door."""
        found = [Caller()]
        for username, (scopes, limit) in itertools.product(CALLERS, TOKENS):
            # An account without a token comes down to the same as one with all scopes.
            found.append(self._with_token(session, username, scopes, limit))
        found += [self._with_token(session, username) for username in SHUT_OUT]
        found += [self._with_token(session, "alice", stale=stale) for stale in STALE]
        return found

    def _with_token(
        self,
        session: Session,
        username: str,
        scopes: str = "repo:write",
        limit: str = "everywhere",
        *,
        stale: str = "",
    ) -> Caller:
        secret = f"wit_{uuid.uuid4()}"
        limits = {"everywhere": [], "here": [*self.repo_ids.values()], "elsewhere": [self.other]}
        new = NewToken(
            self.user_ids[username],
            "test",
            digest_secret(secret),
            secret[-4:],
            scopes,
            expires_at=NOW + timedelta(days=1) if stale == "expired" else None,
        )
        token = tokens.create_token(session, new, repo_ids=limits[limit], now=NOW)
        if stale == "revoked":
            tokens.revoke_token(session, token.id, NOW)
        is_let_in = not stale and username not in SHUT_OUT
        return Caller(username, secret, token.id, scopes, limit, is_let_in)


@pytest.fixture(scope="module", params=KINDS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    home = tmp_path_factory.mktemp("access") / "home"
    with (
        databases.create() as url,
        running_server(home, variables=[("DATABASE_URL", url)]) as server,
    ):
        engine = open_engine(url)
        try:
            made = World(server, make_sessions(engine))
            made.fill()
            yield made
        finally:
            engine.dispose()


def expected(caller: Caller, name: RepoName, action: Action) -> bool:
    """Say what an operator would expect; written apart from the product on purpose."""
    visibility, _, state = name.name.partition("-")
    scopes = (caller.scopes or "").split()
    level: Permission | None = Permission.READ if visibility == "public" else None
    if not caller.is_let_in:
        return False
    may_write = "repo:write" in scopes
    can_see = may_write or "repo:read" in scopes
    rights = CALLERS.get(caller.username or "", {})
    own = rights.get(name.owner)
    if caller.username == "root" and "admin" not in scopes:
        own = None
    if state == "deleted":
        owns_name = caller.username == name.owner or (
            name.owner == "acme" and caller.username in {"chief", "manager"}
        )
        owns_name = owns_name or (caller.username == "root" and own is not None)
        return action is Action.PUSH and owns_name and may_write and caller.limit == "everywhere"
    if can_see and caller.limit != "elsewhere" and own is not None:
        level = own
    if action is Action.READ:
        return level is not None
    return may_write and level in {Permission.WRITE, Permission.ADMIN} and state == "live"


def served(
    connection: http.client.HTTPConnection, caller: Caller, name: RepoName, action: Action
) -> int:
    service = "git-upload-pack" if action is Action.READ else "git-receive-pack"
    headers = {}
    if caller.secret is not None:
        pair = base64.b64encode(f"{caller.username}:{caller.secret}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    connection.request("GET", f"/{name}.git/info/refs?service={service}", headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("place", REPOSITORIES, ids=lambda place: "-".join(map(str, place)))
def test_table_serve_and_explain_agree(world: World, place: tuple[str, Visibility, str]) -> None:
    name = name_of(*place)
    connection = http.client.HTTPConnection(world.server.url.split("/")[2])
    wrong = []

    for caller, action in itertools.product(world.callers, (Action.READ, Action.PUSH)):
        status = served(connection, caller, name, action)
        question = Question(name, action, caller.username, caller.token_id)
        said = explain(world.sessions, question, push_create=PushCreate.ALL)
        if not (expected(caller, name, action) is said.allowed is (status == 200)):
            wrong.append((caller, action, status, said))

    connection.close()
    assert len(world.callers) == 83
    assert wrong == []


def test_pushes_do_what_the_table_says(world: World, tmp_path: Path) -> None:
    name = name_of("acme", Visibility.PRIVATE, "live")
    work = new_work(tmp_path / "work")
    commit(work, "first")
    callers = [caller for caller in world.callers if caller.limit != "here"][::2]
    done, wanted = [], []

    for number, caller in enumerate(callers):
        url = world.server.remote(str(name), token=caller.secret)
        pushed = run_git(work, "push", url, f"main:refs/heads/{number}", check=False)
        done.append(pushed.returncode == 0)
        wanted.append(expected(caller, name, Action.PUSH))

    assert done == wanted
    assert 0 < sum(wanted) < len(callers)
