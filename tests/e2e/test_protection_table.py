"""What serve does with pushes to protected refs, beside what explain says of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import KINDS
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.protected import Protected, new_history, open_protected
from tests.support.repositories import commit
from tests.support.server import run_git
from wit_admin.db.models.organizations import Permission
from wit_admin.git.refs.head import read_head
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Scope
from wit_admin.services.access.credentials import digest_secret
from wit_admin.services.access.decision import Action, PushCreate
from wit_admin.services.access.explanations import Question, explain
from wit_admin.services.accounts.tokens import TokenOrder, create_token
from wit_admin.services.repositories import protections
from wit_admin.services.repositories.protections import ProtectionOrder

pytestmark = pytest.mark.e2e

DEMO = RepoName("alice", "table")
RULES = {
    "free": None,
    "plain": ProtectionOrder("plain/**"),
    "forceable": ProtectionOrder("forceable/**", allow_force=True),
    "deletable": ProtectionOrder("deletable/**", allow_delete=True),
    "open": ProtectionOrder("open/**", allow_force=True, allow_delete=True),
    "alices": ProtectionOrder("alices/**", allow_force=True, pushers=["alice"]),
    "teams": ProtectionOrder("teams/**", allow_delete=True, pushers=["acme/core"]),
    "admins": ProtectionOrder("admins/**", Permission.ADMIN, allow_delete=True),
    "shallow": ProtectionOrder("shallow/*"),
}
CALLERS = {"alice": "alice", "bob": "bob", "alices-bot": "alice"}
ACTIONS = (Action.PUSH, Action.FORCE, Action.DELETE)
ADMINS = ("admins", "bob", Action.PUSH)
ALLOWED = {
    ("free", "alice"): "push force delete", ("free", "bob"): "push force delete",
    ("plain", "alice"): "push", ("plain", "bob"): "push",
    ("forceable", "alice"): "push force", ("forceable", "bob"): "push force",
    ("deletable", "alice"): "push delete", ("deletable", "bob"): "push delete",
    ("open", "alice"): "push force delete", ("open", "bob"): "push force delete",
    ("alices", "alice"): "push force", ("alices", "bob"): "",
    ("teams", "alice"): "", ("teams", "bob"): "push delete",
    ("admins", "alice"): "push delete", ("admins", "bob"): "",
    ("shallow", "alice"): "push force delete", ("shallow", "bob"): "push force delete",
    ("plain", "alices-bot"): "push", ("open", "alices-bot"): "push force delete",
}  # fmt: skip
"""The token of alice's bot is for two of the folders; who is not named here may do nothing."""


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Protected]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    with open_protected(databases, tmp_path / "home") as opened:
        opened.add_team("acme", "core", "bob")
        order = TokenOrder("bot", [Scope.REPO_WRITE], ref="*p*n/**")
        bot = create_token(opened.sessions, "alice", order=order)
        opened.tokens["alices-bot"] = bot.token
        yield opened


def is_allowed(forge: Protected, question: Question) -> bool:
    root = forge.server.home / "repos"
    return explain(forge.sessions, question, push_create=PushCreate.OFF, root=root).allowed


def ref_of(rule: str, caller: str, action: Action) -> str:
    return f"{rule}/{caller}/{action.value}"


def test_serve_and_explain_agree_on_every_ref(forge: Protected, tmp_path: Path) -> None:
    work = new_history(tmp_path / "work")
    cases = list(itertools.product(RULES, CALLERS, ACTIONS))
    run_git(work, "branch", "forward", commit(work, "third"))
    run_git(work, "reset", "--quiet", "--hard", "HEAD~1")
    forge.begin("table", work, *(f"main:refs/heads/{ref_of(*case)}" for case in cases))
    for order in filter(None, RULES.values()):
        protections.add_protection(forge.sessions, DEMO, order)
    sources = {Action.PUSH: "forward", Action.FORCE: "+main~1", Action.DELETE: ""}
    done, said = {}, {}

    for caller, username in CALLERS.items():
        own = [case for case in cases if case[1] == caller]
        refspecs = [f"{sources[case[2]]}:refs/heads/{ref_of(*case)}" for case in own]
        shown = forge.push(work, "table", "--porcelain", *refspecs, user=caller).stdout
        lines = [line.split("\t") for line in shown.splitlines() if "\t" in line]
        states = {refspec.partition(":")[2]: mark for mark, refspec, *_ in lines}
        for case in own:
            action = case[2]
            done[case] = states[f"refs/heads/{ref_of(*case)}"] != "!"
            token = digest_secret(forge.tokens[caller])
            question = Question(DEMO, action, username, token, ref_of(*case))
            said[case] = is_allowed(forge, question)

    expected = {
        case: case[2].value in ALLOWED.get((case[0], case[1]), "").split() for case in cases
    }
    assert done == expected
    assert said == expected
    # What only the disk tells: the target of a symbolic ref, and what git does not let go.
    gitdir = forge.gitdir("table")
    run_git(gitdir, "symbolic-ref", "refs/heads/alias", f"refs/heads/{ref_of(*ADMINS)}")
    head = read_head(gitdir)
    assert head is not None
    for ref, source, action in (("alias", "forward", Action.PUSH), (head, "", Action.DELETE)):
        pushed = forge.push(work, "table", f"{source}:refs/heads/{ref}", user="bob")
        assert pushed.returncode != 0
        assert not is_allowed(forge, Question(DEMO, action, "bob", ref=ref))
    run_git(gitdir, "config", "http.receivepack", "false")
    assert forge.push(work, "table", "forward:refs/heads/new", user="bob").returncode != 0
    assert not is_allowed(forge, Question(DEMO, Action.PUSH, "bob", ref="new"))
    assert is_allowed(forge, Question(DEMO, Action.READ, "bob"))
    run_git(gitdir, "config", "http.uploadpack", "false")
    assert not is_allowed(forge, Question(DEMO, Action.READ, "bob"))
