"""Who may do what: a table of all combinations, what serve answers, and what explain says."""

from __future__ import annotations

import base64
import enum
import http.client
import itertools
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support.access_table import (
    KEPT,
    PROTECTED,
    REPOSITORIES,
    RIGHTS,
    AccessTable,
    Caller,
    name_of,
    open_access_table,
)
from tests.support.databases import Databases
from tests.support.repositories import commit, new_work
from tests.support.server import run_git
from wit_admin.db.base import Base
from wit_admin.db.models.accounts import (
    AccessToken,
    AccessTokenRepository,
    Owner,
    User,
    UserSession,
)
from wit_admin.db.models.organizations import OrgMember, Permission, TeamMember, TeamRepository
from wit_admin.db.models.repositories import (
    Collaborator,
    Repository,
    RepositoryRedirect,
    Visibility,
)
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor, Scope
from wit_admin.services.access.decision import Action, PushCreate, RepositoryFacts
from wit_admin.services.access.explanations import Question, explain

pytestmark = pytest.mark.e2e

WRITERS = {Permission.WRITE, Permission.ADMIN}
ADMINISTERED = (
    ("alice", Visibility.PRIVATE, "live"),
    ("acme", Visibility.PUBLIC, "archived"),
    ("acme", Visibility.PRIVATE, "deleted"),
)
"""Where the table is also asked who may administer; scopes and levels are the same elsewhere."""
TABLE_ACTIONS = (Action.READ, Action.PUSH, Action.ADMIN)
"""The other two are about refs: ``test_protection_table`` tries them."""
PUSH_FORMS = (("open", None), ("kept", KEPT))
"""Folders of branches, and what protects them."""

DECIDING: dict[type[Base], set[str]] = {
    Owner: {"kind", "deleted_at"},
    User: {"is_admin", "is_placeholder", "blocked_at", "password_hash"},
    UserSession: {"user_id", "token_digest", "expires_at", "revoked_at"},
    AccessToken: {"user_id", "digest", "scopes", "ref_pattern", "is_limited", "expires_at"}
    | {"revoked_at"},
    AccessTokenRepository: {"token_id", "repo_id"},
    OrgMember: {"org_id", "user_id", "role"},
    TeamMember: {"team_id", "user_id"},
    TeamRepository: {"team_id", "repo_id", "permission"},
    Collaborator: {"repo_id", "user_id", "permission"},
    RepositoryRedirect: {"name_key", "repo_id"},
    Repository: {"owner_id", "owner_type", "visibility", "archived_at", "deleted_at"},
}
"""Columns from which serve decides, and which therefore differ from row to row in the table."""
_NAMES = {"id", "name", "name_key", "created_at", "updated_at"}
SILENT: dict[type[Base], set[str]] = {
    Owner: _NAMES,
    User: {"id", "email", "full_name", "bio", "avatar_url", "location", "website"},
    UserSession: {"id", "ip", "user_agent", "created_at", "last_used_at"},
    AccessToken: {"id", "name", "hint", "created_at", "last_used_at"},
    AccessTokenRepository: set(),
    OrgMember: {"created_at"},
    TeamMember: {"created_at"},
    TeamRepository: {"created_at"},
    Collaborator: {"created_at"},
    RepositoryRedirect: {"owner_key", "created_at"},
    Repository: _NAMES
    | {"description", "is_fork", "forked_from_id", "default_branch", "object_format"}
    | {"disk_path", "fingerprint", "size_bytes", "next_number", "pushed_at", "stars_count"}
    | {"forks_count", "watchers_count", "open_issues_count", "open_prs_count"},
}
ACTOR = {"user_id", "username", "is_admin", "token_id", "session_id"}
ACTOR |= {"scopes", "repo_ids", "ref_pattern"}
FACTS = {"repo_id", "owner_id", "visibility", "is_archived", "permission", "grants"}


@pytest.fixture(scope="module")
def table(
    module_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AccessTable]:
    with open_access_table(module_databases, tmp_path_factory.mktemp("access") / "home") as opened:
        yield opened


def level_of(caller: Caller, name: RepoName) -> Permission | None:
    """Say what an operator would expect; written apart from the product on purpose."""
    if not caller.is_let_in:
        return None
    scopes = caller.scopes.split()
    own = RIGHTS.get(caller.username or "", {}).get(name.owner)
    if caller.username == "root" and "admin" not in scopes:
        own = None
    if {"repo:write", "repo:read"}.isdisjoint(scopes) or caller.limit == "elsewhere":
        own = None
    return own or (Permission.READ if name.name.startswith("public") else None)


def expected(caller: Caller, name: RepoName, action: Action) -> bool:
    state = name.name.partition("-")[2]
    scopes, level = caller.scopes.split(), level_of(caller, name)
    if state == "deleted":
        owns_name = caller.username == name.owner or (
            name.owner == "acme" and caller.username in {"chief", "manager"}
        )
        owns_name = owns_name or (caller.username == "root" and level is not None)
        may_create = caller.is_let_in and "repo:write" in scopes and caller.limit == "everywhere"
        return action is Action.PUSH and owns_name and may_create
    if action is Action.READ:
        return level is not None
    if action is Action.ADMIN:
        return level is Permission.ADMIN and "admin" in scopes
    return level in WRITERS and "repo:write" in scopes and state != "archived"


def served(
    connection: http.client.HTTPConnection, caller: Caller, name: RepoName, action: Action
) -> bool:
    """Ask the server; what takes admin permission there is reading jj's repository anew."""
    service = "git-upload-pack" if action is Action.READ else "git-receive-pack"
    path, method = f"/{name}.git/info/refs?service={service}", "GET"
    if action is Action.ADMIN:
        path, method = f"/api/watcher/sync/{name}", "POST"
    headers = {}
    if caller.secret is not None:
        pair = base64.b64encode(f"{caller.username}:{caller.secret}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if action is Action.ADMIN:
        assert answer.status in {401, 403, 404}
        return b"has no jj repository" in body
    return answer.status == 200


def explained(table: AccessTable, caller: Caller, name: RepoName, action: Action) -> bool:
    question = Question(name, action, caller.username, caller.token_id)
    return explain(table.sessions, question, push_create=PushCreate.ALL).allowed


@pytest.mark.parametrize("place", REPOSITORIES, ids=lambda place: "-".join(map(str, place)))
def test_table_serve_and_explain_agree(
    table: AccessTable, place: tuple[str, Visibility, str]
) -> None:
    name = name_of(*place)
    connection = http.client.HTTPConnection(table.server.url.split("/")[2])
    wrong = []

    actions = [a for a in TABLE_ACTIONS if a is not Action.ADMIN or place in ADMINISTERED]
    for caller, action in itertools.product(table.callers, actions):
        wanted, done = expected(caller, name, action), served(connection, caller, name, action)
        # Nobody can ask about a session, or a token that never was.
        said = explained(table, caller, name, action) if caller.can_be_explained else done
        if not wanted is done is said:
            wrong.append((caller, action, done, said))

    connection.close()
    assert len(table.callers) == 93
    assert wrong == []


def test_pushes_do_what_the_table_says(table: AccessTable, tmp_path: Path) -> None:
    own, name = (name_of(*place) for place in PROTECTED)
    work = new_work(tmp_path / "work")
    commit(work, "first")
    pushers = [(own, caller) for caller in table.callers if caller.ref_pattern]
    pushers += [(name, caller) for caller in table.callers if caller.limit != "here"][::2]
    wanted, done, said = [], [], []

    for number, (place, caller) in enumerate(pushers):
        url = table.server.remote(str(place), token=caller.secret)
        refs = [f"refs/heads/{folder}/{number}" for folder, _ in PUSH_FORMS]
        refspecs = [f"main:{ref}" for ref in refs]
        shown = run_git(work, "push", "--porcelain", url, *refspecs, check=False).stdout
        for ref, (_, pattern) in zip(refs, PUSH_FORMS, strict=True):
            level = level_of(caller, place)
            is_enough = pattern is None or level is Permission.ADMIN
            is_its = caller.ref_pattern in {None, pattern}
            wanted.append(expected(caller, place, Action.PUSH) and is_enough and is_its)
            done.append(f"*\trefs/heads/main:{ref}\t" in shown)
            question = Question(place, Action.PUSH, caller.username, caller.token_id, ref)
            if caller.can_be_explained:
                answer = explain(table.sessions, question, push_create=PushCreate.ALL)
                said.append(answer.allowed)
            else:
                said.append(done[-1])

    assert done == wanted
    assert said == wanted
    assert 0 < sum(wanted) < len(wanted)


@pytest.mark.parametrize("model", DECIDING, ids=lambda model: model.__name__)
def test_every_column_that_decides_has_several_values_in_the_table(
    table: AccessTable, model: type[Base]
) -> None:
    """A column, role, scope or visibility that is added has to be given a place in the table."""
    columns = {column.key for column in model.__table__.columns}
    assert columns == DECIDING[model] | SILENT[model]

    with table.sessions() as session:
        for name in DECIDING[model]:
            found = set(session.scalars(select(getattr(model, name)).distinct()))
            kind = type(next(value for value in found if value is not None))
            assert len(found) > 1, name
            assert not issubclass(kind, enum.Enum) or found == set(kind), name


def test_every_word_of_the_rules_is_in_the_table(table: AccessTable) -> None:
    scopes = {scope for caller in table.callers for scope in caller.scopes.split()}

    assert scopes == set(Scope)
    assert {caller.kind for caller in table.callers} == {"nobody", "password", "session", "token"}
    assert {caller.limit for caller in table.callers} == {"everywhere", "here", "elsewhere"}
    assert set(Action) == {*TABLE_ACTIONS, Action.FORCE, Action.DELETE}
    assert {field.name for field in fields(Actor)} == ACTOR
    assert {field.name for field in fields(RepositoryFacts)} == FACTS
