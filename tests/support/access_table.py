"""A forge in which every rule of access counts for somebody: repositories, and who knocks."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from tests.support.databases import Databases
from tests.support.server import RunningServer, running_server
from wit_admin.db.base import new_id, utc_now
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.accounts import AccessToken, User, UserSession
from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import (
    collaborators,
    members,
    organizations,
    protections,
    repositories,
    teams,
    tokens,
    users,
)
from wit_admin.db.queries.protections import NewProtection
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.db.queries.tokens import NewToken
from wit_admin.git.repositories import storage
from wit_admin.names import RepoName
from wit_admin.services.access.credentials import (
    SESSION_PREFIX,
    TOKEN_PREFIX,
    digest_secret,
    hash_password,
    new_secret,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PASSWORD = "correct horse battery"
ALL_SCOPES = "admin repo:write"
"""What comes down to a session or a password."""
KEPT = "refs/heads/kept/*"
"""Refs that take admin permission, in the protected repositories."""

OWNERS = ("alice", "acme")
REPOSITORIES = (
    ("alice", Visibility.PUBLIC, "live"),
    ("alice", Visibility.PRIVATE, "live"),
    ("alice", Visibility.PRIVATE, "archived"),
    ("alice", Visibility.PRIVATE, "renamed"),
    ("alice", Visibility.PRIVATE, "deleted"),
    ("acme", Visibility.PUBLIC, "live"),
    ("acme", Visibility.PUBLIC, "archived"),
    ("acme", Visibility.PRIVATE, "live"),
    ("acme", Visibility.PRIVATE, "archived"),
    ("acme", Visibility.PRIVATE, "deleted"),
)
PROTECTED = tuple((owner, Visibility.PRIVATE, "protected") for owner in OWNERS)
"""What is protected there is seen only by pushing."""

RIGHTS: dict[str, dict[str, Permission]] = {
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
ROLES = {"chief": OrgRole.OWNER, "manager": OrgRole.ADMIN, "member": OrgRole.MEMBER}
SHUT_OUT = ("blocked", "deleted", "placeholder")
"""Collaborators with write permission; nobody lets them in."""
TOKENS = (
    ("repo:write", "everywhere"),
    ("repo:read", "everywhere"),
    ("admin", "everywhere"),
    (ALL_SCOPES, "everywhere"),
    ("repo:write", "here"),
    (ALL_SCOPES, "elsewhere"),
)
"""Scopes, and which repositories the token is limited to."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at the door: with a password, a session, a token, or with nothing."""

    username: str | None = None
    secret: str | None = None
    kind: str = "nobody"
    scopes: str = ""
    limit: str = "everywhere"
    is_let_in: bool = True
    token_id: uuid.UUID | None = None
    ref_pattern: str | None = None

    @property
    def can_be_explained(self) -> bool:
        """``access explain`` asks with accounts and tokens that there are."""
        return self.is_let_in or self.token_id is not None


@dataclass(slots=True)
class AccessTable:
    """Repositories and callers, on a running server."""

    server: RunningServer
    sessions: sessionmaker[Session]
    repo_ids: dict[RepoName, uuid.UUID] = field(default_factory=dict)
    user_ids: dict[str, uuid.UUID] = field(default_factory=dict)
    callers: list[Caller] = field(default_factory=list)
    other: uuid.UUID = field(default_factory=new_id)
    """A repository that is asked for nothing."""

    def fill(self) -> None:
        """Make all accounts, repositories and credentials."""
        with self.sessions.begin() as session:
            self._add_accounts(session)
            acme = self._add_organization(session)
            owners = {"alice": self.user_ids["alice"], "acme": acme}
            for place in (*REPOSITORIES, *PROTECTED):
                self._add_repository(session, owners[place[0]], name_of(*place), place[1])
            new = NewRepository(acme, "other", "acme/other.git")
            self.other = repositories.create_repository(session, new, now=NOW).id
            repositories.rename_repository(session, self.other, "another", now=NOW)
            self._add_teams(session, acme)
            for name, repo_id in self.repo_ids.items():
                self._add_collaborators(session, repo_id)
                self._put_into_state(session, name, repo_id)
            self.callers = [Caller(), *self._make_tokens(session), *self._make_sessions(session)]
            self.callers.append(Caller("alice", PASSWORD, "password", ALL_SCOPES))
            self._shut_out(session)

    def _add_accounts(self, session: Session) -> None:
        for username in (*RIGHTS, *SHUT_OUT):
            user = users.create_user(session, username, is_admin=username == "root", now=NOW)
            self.user_ids[username] = user.id
        password = hash_password(PASSWORD)
        users.update_user(session, self.user_ids["alice"], password_hash=password, now=NOW)

    def _add_organization(self, session: Session) -> uuid.UUID:
        chief, stranger = self.user_ids["chief"], self.user_ids["stranger"]
        acme = organizations.create_organization(session, "acme", owner_id=chief, now=NOW).id
        in_teams = {name: OrgRole.MEMBER for name in RIGHTS if name.startswith("team-")}
        for username, role in (ROLES | in_teams).items():
            members.set_member(session, acme, self.user_ids[username], role, now=NOW)
        # The owner of another organization is nobody here.
        organizations.create_organization(session, "elsewhere", owner_id=stranger, now=NOW)
        return acme

    def _add_repository(
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

    def _add_collaborators(self, session: Session, repo_id: uuid.UUID) -> None:
        named = dict.fromkeys(SHUT_OUT, "write")
        named |= {name: name.rpartition("-")[2] for name in RIGHTS if "collab-" in name}
        for username, permission in named.items():
            collaborators.set_collaborator(
                session, repo_id, self.user_ids[username], Permission(permission), now=NOW
            )

    def _put_into_state(self, session: Session, name: RepoName, repo_id: uuid.UUID) -> None:
        match name.name.rpartition("-")[2]:
            case "archived":
                repositories.update_repository(session, repo_id, archived_at=NOW, now=NOW)
            case "renamed":
                repositories.rename_repository(session, repo_id, f"{name.name}-since", now=NOW)
            case "protected":
                new = NewProtection(KEPT, push_permission=Permission.ADMIN)
                protections.set_protection(session, repo_id, new, now=NOW)
            case "deleted":
                path = f".trash/{repo_id}"
                repositories.delete_repository(session, repo_id, now=NOW, trash_path=path)

    def _make_tokens(self, session: Session) -> Iterator[Caller]:
        for username, kind in itertools.product(RIGHTS, TOKENS):
            yield self._with_token(session, username, kind)
        for username in SHUT_OUT:
            yield self._with_token(session, username)
        for stale in ("expired", "revoked"):
            yield self._with_token(session, "alice", stale=stale)
        yield self._with_token(session, "alice", ref_pattern=KEPT)
        yield Caller("alice", new_secret(TOKEN_PREFIX), "token", is_let_in=False)

    def _with_token(
        self,
        session: Session,
        username: str,
        kind: tuple[str, str] = TOKENS[0],
        *,
        stale: str = "",
        ref_pattern: str | None = None,
    ) -> Caller:
        secret, (scopes, limit) = new_secret(TOKEN_PREFIX), kind
        limits = {"everywhere": [], "here": [*self.repo_ids.values()], "elsewhere": [self.other]}
        expires_at = NOW + timedelta(days=1) if stale == "expired" else None
        owner, digest = self.user_ids[username], digest_secret(secret)
        new = NewToken(owner, "test", digest, secret[-4:], scopes, expires_at, ref_pattern)
        token = tokens.create_token(session, new, repo_ids=limits[limit], now=NOW)
        # Noting the first use of each would take longer than all the rest.
        session.execute(update(AccessToken).values(last_used_at=utc_now()))
        if stale == "revoked":
            tokens.revoke_token(session, token.id, NOW)
        is_let_in = not stale and username not in SHUT_OUT
        return Caller(username, secret, "token", scopes, limit, is_let_in, token.id, ref_pattern)

    def _make_sessions(self, session: Session) -> Iterator[Caller]:
        good = {"expires_at": utc_now() + timedelta(days=1)}
        for username in ("alice", "member", "root"):
            yield self._with_session(session, username, good, is_let_in=True)
        for stale in ({"expires_at": NOW}, {**good, "revoked_at": NOW}):
            yield self._with_session(session, "alice", stale, is_let_in=False)
        yield self._with_session(session, "blocked", good, is_let_in=False)

    def _with_session(
        self, session: Session, username: str, times: dict[str, datetime], *, is_let_in: bool
    ) -> Caller:
        secret = new_secret(SESSION_PREFIX)
        row = UserSession(
            id=new_id(), user_id=self.user_ids[username], token_digest=digest_secret(secret)
        )
        row.last_used_at = utc_now()
        for name, moment in times.items():
            setattr(row, name, moment)
        session.add(row)
        return Caller(username, secret, "session", ALL_SCOPES, is_let_in=is_let_in)

    def _shut_out(self, session: Session) -> None:
        users.update_user(session, self.user_ids["blocked"], blocked_at=NOW, now=NOW)
        users.delete_user(session, self.user_ids["deleted"], now=NOW)
        placeholder = session.get_one(User, self.user_ids["placeholder"])
        placeholder.is_placeholder = True


def name_of(owner: str, visibility: Visibility, state: str) -> RepoName:
    """Return the name by which such a repository is asked for."""
    return RepoName(owner, f"{visibility.value}-{state}")


@contextmanager
def open_access_table(databases: Databases, home: Path) -> Iterator[AccessTable]:
    """Serve such a forge."""
    with (
        databases.create() as url,
        running_server(home, variables=[("DATABASE_URL", url)]) as server,
    ):
        engine = open_engine(url)
        try:
            table = AccessTable(server, make_sessions(engine))
            table.fill()
            yield table
        finally:
            engine.dispose()
