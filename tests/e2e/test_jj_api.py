"""What was synced of jj repositories, read over HTTP by who may see the repository."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.builders import NOW
from tests.support.databases import Databases
from tests.support.jj_fixtures import unpack_fixture
from tests.support.server import RunningServer, running_server
from wit_admin.cli._root import app
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.services.jj.sync import sync_repository

pytestmark = pytest.mark.e2e

OPEN, SECRET, EMPTY, ODD = "alice/open", "alice/secret", "alice/empty", "objects/demo"


@dataclass(frozen=True)
class Api:
    """A server with synced repositories, and tokens of those who ask."""

    server: RunningServer
    tokens: dict[str, str]

    def call(
        self, path: str, who: str | None = None, *, method: str = "GET", **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            sent["Authorization"] = f"Bearer {self.tokens[who]}"
        request = urllib.request.Request(self.server.url + path, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null"), dict(error.headers)

    def get(self, repo: str, rest: str, who: str | None = None) -> Any:
        status, content, _ = self.call(f"api/repos/{repo}/jj/{rest}", who)
        assert status == 200, content
        return content

    def refusal(self, repo: str, rest: str, who: str | None = None) -> tuple[int, str]:
        status, content, _ = self.call(f"api/repos/{repo}/jj/{rest}", who)
        assert set(content) == {"error"}, content
        assert set(content["error"]) == {"kind", "message", "hint"}
        return status, f"{content['error']['message']} {content['error']['hint'] or ''}"


@pytest.fixture(scope="module")
def api(module_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("forge")
    home = folder / "home"
    with (
        module_databases.create() as url,
        running_server(home, variables=[("DATABASE_URL", url)]) as server,
    ):
        variables = {"DATABASE_URL": url, "WIT_HOME": str(home)}

        def admin(*arguments: str) -> str:
            # In this process, as twenty of their own would take longer than all tests here.
            done = CliRunner(env=variables).invoke(app, ["--quiet", *arguments])
            assert done.exit_code == 0, done.output
            return done.stdout.strip()

        for name in ("alice", "bob", "eve", "objects"):
            admin("user", "create", name)
        for name in (OPEN, SECRET, EMPTY, ODD):
            admin("repo", "create", name, *(["--public"] if name != SECRET else []))
        admin("collab", "add", SECRET, "bob", "--permission", "read")
        admin("collab", "add", OPEN, "bob", "--permission", "write")
        tokens = {name: admin("token", "create", name) for name in ("alice", "bob", "eve")}
        limits = ("--scope", "repo:read", "--repo", EMPTY)
        tokens["limited"] = admin("token", "create", "alice", *limits)
        fixture = unpack_fixture("0.45.1/timeline", home / "repos/jj")
        engine = open_engine(url)
        for name in (OPEN, SECRET, ODD):
            repo_id = uuid.UUID(json.loads(admin("repo", "show", name, "--json"))["id"])
            sync_repository(make_sessions(engine), repo_id, fixture.workspace, now=NOW)
        engine.dispose()
        yield Api(server, tokens)


LISTS = {"changes": "changes", "ops": "operations", "bookmarks": "bookmarks"}


@pytest.mark.parametrize(("path", "key"), LISTS.items())
def test_lists_are_those_of_the_command_line_page_by_page(api: Api, path: str, key: str) -> None:
    printed = json.loads(api.server.admin("jj", path, OPEN, "--limit", "1000", "--json"))

    rows: list[Any] = []
    after = ""
    while True:
        content = api.get(OPEN, f"{path}?limit=7{after}", "alice")
        rows += content[key]
        if content["next"] is None:
            break
        after = f"&after={content['next']}"

    assert rows
    assert sorted(map(json.dumps, rows)) == sorted(map(json.dumps, printed))


def test_filters_take_what_they_name(api: Api) -> None:
    visible = api.get(OPEN, "changes?limit=1000")["changes"]

    cases: dict[str, Callable[[Any], bool]] = {
        "divergent=true": lambda row: row["is_divergent"],
        "mutable=true": lambda row: not row["is_immutable"],
        "conflicted=false&mutable=false": lambda row: (
            not row["has_conflicts"] and row["is_immutable"]
        ),
        "author=GRACE": lambda row: row["author_name"].lower().startswith("grace"),
        "query=c1": lambda row: "c1" in row["description"],
        f"query={visible[0]['change_id'][:9]}": lambda row: row is visible[0],
    }
    for query, fits in cases.items():
        expected = [row for row in visible if fits(row)]
        assert expected
        assert api.get(OPEN, f"changes?limit=1000&{query}")["changes"] == expected
    of_main = api.get(OPEN, "changes?bookmark=main")["changes"]
    assert of_main == [row for row in visible if row in of_main]
    assert 1 < len(of_main) < len(visible)
    conflicts = api.get(OPEN, "conflicts?state=all&limit=1000")["conflicts"]
    assert all(row in conflicts for row in api.get(OPEN, "conflicts")["conflicts"])
    assert all(row["is_resolved"] for row in api.get(OPEN, "conflicts?state=resolved")["conflicts"])


def test_evolution_of_a_change_is_found_by_a_beginning_of_its_id(api: Api) -> None:
    change = api.get(OPEN, "changes?limit=1")["changes"][0]

    found = api.get(OPEN, f"changes/{change['change_prefix']}/evolution")

    assert found["change_id"] == change["change_id"]
    assert found["gap"] is None
    assert set(change["commits"]) <= {form["commit_id"] for form in found["forms"]}
    assert any(form["operation_id"] for form in found["forms"])
    assert (
        "ambiguous" in api.refusal(OPEN, f"changes/{change['change_id'][:0] or 'o'}/evolution")[1]
    )


def test_who_may_read_the_repository_may_read_its_lists(api: Api) -> None:
    seen = {
        (repo, who): api.call(f"api/repos/{repo}/jj/changes", who)[0]
        for repo in (OPEN, SECRET, "alice/none", "nobody/none", "al%2e%2e/x")
        for who in (None, "alice", "bob", "eve", "limited")
    }

    assert {who: seen[OPEN, who] for who in (None, *api.tokens)} == dict.fromkeys(
        (None, *api.tokens), 200
    )
    assert {who: seen[SECRET, who] for who in (None, *api.tokens)} == {
        None: 401,
        "alice": 200,
        "bob": 200,
        "eve": 404,
        "limited": 404,
    }
    for missing in ("alice/none", "nobody/none"):
        assert seen[missing, None] == 401
        assert {seen[missing, who] for who in api.tokens} == {404}
    assert {seen["al%2e%2e/x", who] for who in (None, *api.tokens)} == {404}
    assert api.refusal(SECRET, "ops")[1].startswith("alice/secret is private or does not exist.")


def test_people_and_their_machines_are_told_to_those_who_may_push(api: Api) -> None:
    for who, is_told in {None: False, "eve": False, "bob": True, "alice": True}.items():
        rows = api.get(OPEN, "ops?limit=1000", who)["operations"]
        facts = [row[name] for row in rows for name in ("hostname", "username", "tags")]

        assert any(facts) == is_told
        assert all(row["description"] for row in rows)
    reader = api.get(SECRET, "ops?limit=1", "bob")["operations"][0]
    assert reader["hostname"] is None


def test_credentials_that_are_none_are_refused_where_none_would_do(api: Api) -> None:
    assert api.call(f"api/repos/{OPEN}/jj/ops", Authorization="Bearer witp_wrong")[0] == 401
    assert api.call(f"api/repos/{OPEN}/jj/ops", Authorization="Basic ?")[0] == 401


@pytest.mark.parametrize(
    "rest",
    [
        "changes?limit=0",
        "changes?limit=1001",
        "changes?limit=99999999999999999999",
        "changes?limit=-1",
        "changes?limit=%D9%A3",
        "changes?after=x",
        "changes?hidden=yes",
        "changes?hides=true",
        "changes?limit=1&limit=2",
        "changes?query=%00",
        f"changes?query={'a' * 1001}",
        "ops?undone=",
        "bookmarks?conflicted=1",
        "conflicts?state=closed",
        "conflicts?change=main",
        "changes/main/evolution",
        "changes/%00/evolution",
        "changes/k/evolution?limit=x",
        "changes/k/evolution?after=x",
    ],
)
def test_bad_parameters_are_refused_with_a_sentence(api: Api, rest: str) -> None:
    status, said = api.refusal(OPEN, rest, "alice")

    assert status == 400
    assert "." in said


def test_cursor_of_another_list_is_refused(api: Api) -> None:
    cursor = api.get(OPEN, "changes?limit=1")["next"]

    assert api.refusal(OPEN, f"ops?after={cursor}")[0] == 400


def test_what_is_not_there_is_said_to_be_missing(api: Api) -> None:
    assert api.refusal(OPEN, "changes?bookmark=nowhere")[0] == 404
    assert api.refusal(OPEN, f"changes/{'k' * 31}/evolution")[0] == 404
    status, said = api.refusal(EMPTY, "changes", "alice")
    assert status == 404
    assert f"'wit-admin watch sync {EMPTY}'" in said


def test_what_the_client_has_already_is_not_sent_again(api: Api) -> None:
    path = f"api/repos/{OPEN}/jj/ops?limit=3"
    status, _, headers = api.call(path)

    again = api.call(path, If_None_Match=f'"other", W/{headers["etag"]}')
    by_owner = api.call(path, "alice", If_None_Match=headers["etag"])

    assert (status, headers["cache-control"]) == (200, "private, no-cache")
    assert again[0] == 304
    assert by_owner[0] == 200


def test_only_reading_is_offered_there(api: Api) -> None:
    assert api.call(f"api/repos/{OPEN}/jj/ops", "alice", method="POST")[0] == 405


def test_owner_may_have_the_name_of_a_git_address(api: Api) -> None:
    assert api.get(ODD, "ops?limit=1")["operations"]
