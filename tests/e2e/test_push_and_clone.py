"""A real git pushes to and clones from a real server."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import KINDS
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.repositories import commit
from tests.support.server import RunningServer, run_git, running_server

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    home = tmp_path_factory.mktemp("forge") / "home"
    with (
        databases.create() as url,
        running_server(home, variables=[("DATABASE_URL", url)]) as started,
    ):
        started.admin("user", "create", "alice", "--password-stdin", stdin="correct horse\n")
        started.admin("user", "create", "bob", "--password-stdin", stdin="battery staple\n")
        yield started


@pytest.fixture(scope="module")
def token(server: RunningServer) -> str:
    return server.admin("token", "create", "alice")


def activities(server: RunningServer, name: str, kind: str) -> list[dict[str, str]]:
    rows = json.loads(server.admin("activity", "list", name, "--json"))
    return [row for row in rows if row["type"] == kind]


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_first_push_creates_the_repository_and_records_each_ref(
    server: RunningServer, token: str, work: Path
) -> None:
    run_git(work, "tag", "v1")

    run_git(work, "push", server.remote("alice/first", token=token), "main", "v1")

    head = run_git(work, "rev-parse", "HEAD").stdout.strip()
    pushes = activities(server, "alice/first", "push")
    assert {(row["ref"], row["after"]) for row in pushes} == {
        ("refs/heads/main", head),
        ("refs/tags/v1", head),
    }
    repositories = json.loads(server.admin("repo", "list", "--json"))
    row = next(row for row in repositories if row["name"] == "first")
    assert row["pushed_at"] is not None
    assert row["visibility"] == "private"


def test_clone_is_bit_for_bit_and_counted_once(
    server: RunningServer, token: str, work: Path, tmp_path: Path
) -> None:
    for number in range(50):
        commit(work, f"change {number}")
    url = server.remote("alice/whole", token=token)
    run_git(work, "push", "--quiet", url, "main")

    run_git(tmp_path, "clone", "--quiet", url, "copy")

    assert run_git(work, "rev-parse", "HEAD").stdout == (
        run_git(tmp_path / "copy", "rev-parse", "HEAD").stdout
    )
    run_git(tmp_path / "copy", "fsck", "--full", "--strict")
    assert len(activities(server, "alice/whole", "clone")) == 1


def test_head_follows_the_first_pushed_branch(
    server: RunningServer, token: str, work: Path, tmp_path: Path
) -> None:
    url = server.remote("alice/trunk", token=token)

    run_git(work, "push", "--quiet", url, "main:trunk")

    run_git(tmp_path, "clone", "--quiet", url, "copy")
    assert run_git(tmp_path / "copy", "branch", "--show-current").stdout.strip() == "trunk"
    repositories = json.loads(server.admin("repo", "list", "--json"))
    row = next(row for row in repositories if row["name"] == "trunk")
    assert row["default_branch"] == "trunk"


def test_rejected_ref_is_not_recorded(server: RunningServer, token: str, work: Path) -> None:
    url = server.remote("alice/rejected", token=token)
    run_git(work, "push", "--quiet", url, "main")
    run_git(work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten")

    refused = run_git(work, "push", url, "main", check=False)

    assert refused.returncode == 1
    assert len(activities(server, "alice/rejected", "push")) == 1


def test_forced_push_and_deletion_are_recorded(
    server: RunningServer, token: str, work: Path
) -> None:
    url = server.remote("alice/forced", token=token)
    run_git(work, "tag", "v1")
    run_git(work, "push", "--quiet", url, "main", "main:side", "v1")
    commit(work, "forward")
    run_git(work, "push", "--quiet", url, "main", "main:side")
    run_git(work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten")
    run_git(work, "tag", "--force", "v1")

    run_git(work, "push", "--quiet", "--force", url, "main", "v1", ":side")

    pushes = activities(server, "alice/forced", "push")
    assert {(row["ref"], row["kind"]) for row in pushes[:3]} == {
        ("refs/heads/main", "forced"),
        ("refs/tags/v1", "updated"),
        ("refs/heads/side", "deleted"),
    }
    assert [row["kind"] for row in pushes[3:]] == ["updated"] * 2 + ["created"] * 3


def test_many_first_pushes_at_once_have_one_winner(
    server: RunningServer, token: str, tmp_path: Path
) -> None:
    folders = [tmp_path / f"clone-{number}" for number in range(8)]
    for folder in folders:
        folder.mkdir()
        run_git(folder, "init", "--quiet", "--initial-branch=main")
        commit(folder, folder.name)
    url = server.remote("alice/race", token=token)

    with ThreadPoolExecutor(8) as pool:
        results = list(
            pool.map(lambda folder: run_git(folder, "push", url, "main", check=False), folders)
        )

    assert [result.returncode for result in results].count(0) == 1
    assert len(activities(server, "alice/race", "push")) == 1
    repositories = json.loads(server.admin("repo", "list", "--json"))
    assert len([row for row in repositories if row["name"] == "race"]) == 1


def test_private_and_missing_look_alike_to_the_anonymous(
    server: RunningServer, token: str, work: Path
) -> None:
    run_git(work, "push", "--quiet", server.remote("alice/secret", token=token), "main")

    private = run_git(work, "ls-remote", server.remote("alice/secret"), check=False)
    missing = run_git(work, "ls-remote", server.remote("alice/missing"), check=False)

    assert private.returncode == missing.returncode == 128
    assert "could not read Username" in private.stderr
    assert "could not read Username" in missing.stderr


def test_password_works_and_a_stranger_is_told_nothing(
    server: RunningServer, token: str, work: Path
) -> None:
    run_git(work, "push", "--quiet", server.remote("alice/mine", token=token), "main")
    host = server.url.removeprefix("http://").rstrip("/")

    owner = run_git(work, "ls-remote", f"http://alice:correct%20horse@{host}/alice/mine")
    stranger = run_git(
        work, "ls-remote", f"http://bob:battery%20staple@{host}/alice/mine", check=False
    )

    assert "refs/heads/main" in owner.stdout
    assert "not found" in stranger.stderr


def test_read_only_token_cannot_push(server: RunningServer, token: str, work: Path) -> None:
    run_git(work, "push", "--quiet", server.remote("alice/readonly", token=token), "main")
    reader = server.admin("token", "create", "alice", "--scope", "repo:read")
    commit(work, "more")

    refused = run_git(
        work, "push", server.remote("alice/readonly", token=reader), "main", check=False
    )

    assert refused.returncode == 128
    assert "lacks the scope repo:write" in refused.stderr


def test_revoked_token_is_refused_at_once(server: RunningServer, work: Path) -> None:
    secret = server.admin("token", "create", "alice", "--name", "short-lived")
    rows = json.loads(server.admin("token", "list", "alice", "--json"))
    identifier = next(row["id"] for row in rows if row["name"] == "short-lived")

    server.admin("token", "revoke", identifier)

    refused = run_git(
        work, "push", server.remote("alice/revoked", token=secret), "main", check=False
    )
    assert refused.returncode == 128


def test_corrupt_pack_creates_nothing(server: RunningServer, token: str) -> None:
    old, new = "0" * 40, "1" * 40
    line = f"{old} {new} refs/heads/main\0report-status".encode()
    body = b"%04x%b0000PACK garbage" % (len(line) + 4, line)
    headers = {
        "Content-Type": "application/x-git-receive-pack-request",
        "Authorization": f"Bearer {token}",
    }

    status, answer = post(server.remote("alice/corrupt/git-receive-pack"), body, headers)

    assert status in {200, 400}
    assert answer
    repositories = json.loads(server.admin("repo", "list", "--json"))
    assert all(row["name"] != "corrupt" for row in repositories)
    assert not (server.home / "repos/alice/corrupt.git").exists()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("alice/x/info/refs", 403),
        ("alice/x/info/refs?service=git-upload-archive", 403),
        ("alice/../x/info/refs?service=git-upload-pack", 404),
        ("alice/%2e%2e/info/refs?service=git-upload-pack", 404),
        ("alice/x%00/info/refs?service=git-upload-pack", 404),
        ("alice/x.git.git/info/refs?service=git-upload-pack", 404),
        ("alice/x/HEAD", 403),
        ("alice/x/git-upload-pack", 405),
        ("alice/x/info/refs?service=git-upload-pack", 401),
    ],
)
def test_bad_paths_get_their_status_and_a_sentence(
    server: RunningServer, path: str, status: int
) -> None:
    raw = subprocess.run(
        ["curl", "--silent", "--path-as-is", "-w", "\n%{http_code}", server.url + path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    sentence, _, code = raw.rpartition("\n")
    assert int(code) == status
    assert sentence.strip().endswith(".")


def test_wrong_content_type_and_encoding_are_refused(
    server: RunningServer, token: str, work: Path
) -> None:
    run_git(work, "push", "--quiet", server.remote("alice/bodies", token=token), "main")
    url = server.remote("alice/bodies/git-upload-pack")
    kind = {"Content-Type": "application/x-git-upload-pack-request"}
    known = {"Authorization": f"Bearer {token}"}

    assert post(url, b"", {"Content-Type": "text/plain", **known})[0] == 415
    assert post(url, b"", {"Content-Encoding": "br", **kind, **known})[0] == 415
    assert post(url, b"no gzip", {"Content-Encoding": "gzip", **kind, **known})[0] == 400
    assert post(url, b"zzzz", {**kind, **known})[0] == 400
    assert post(url, b"", {"Authorization": "Basic !!!", **kind})[0] == 401


def test_health_has_the_shape_of_the_design_note(server: RunningServer) -> None:
    with urllib.request.urlopen(server.url + "health", timeout=60) as answer:
        health = json.load(answer)

    assert health["status"] == "ok"
    assert set(health) == {"status", "version", "timestamp", "database"}
    assert health["database"]["connected"] is True
    assert re.fullmatch(r"[\d-]+T[\d:.]+Z", health["timestamp"])


@pytest.mark.parametrize("version", ["0", "2"])
def test_what_hidden_refs_hold_is_not_given_out(
    server: RunningServer, token: str, work: Path, tmp_path: Path, version: str
) -> None:
    url = server.remote(f"alice/hidden-{version}", token=token)
    shown = commit(work, "shown")
    commit(work, "later")
    run_git(work, "push", "--quiet", url, "main", "main:side")
    secret = commit(work, "hidden")
    run_git(work, "push", "--quiet", url, "main:side")
    gitdir = server.home / f"repos/alice/hidden-{version}.git"
    run_git(gitdir, "update-ref", "refs/wit/keep", secret)
    run_git(gitdir, "update-ref", "-d", "refs/heads/side")
    blob = run_git(work, "rev-parse", f"{secret}:file.txt").stdout.strip()
    run_git(tmp_path, "init", "--quiet", "copy")
    fetch = ("-c", f"protocol.version={version}", "fetch", "--quiet", url)

    listed = run_git(work, "ls-remote", url).stdout
    refused = [run_git(tmp_path / "copy", *fetch, oid, check=False) for oid in (secret, blob)]

    assert "refs/wit" not in listed
    assert all(result.returncode != 0 for result in refused)
    assert run_git(work, "push", url, "main:refs/wit/mine", check=False).returncode != 0
    if version == "2":
        run_git(tmp_path / "copy", *fetch, shown)


def test_without_a_database_disk_is_served_and_pushes_need_leave(
    tmp_path: Path, work: Path
) -> None:
    home = tmp_path / "home"
    run_git(tmp_path, "init", "--quiet", "--bare", str(home / "repos/alice/demo.git"))
    with running_server(home, "--no-database") as server:
        refused = run_git(work, "push", server.remote("alice/demo"), "main", check=False)
        run_git(home / "repos/alice/demo.git", "config", "http.receivepack", "true")
        run_git(work, "push", "--quiet", server.remote("alice/demo"), "main")
        listed = run_git(work, "ls-remote", server.remote("alice/demo"))

    assert refused.returncode == 128
    assert "refs/heads/main" in listed.stdout
    assert [path.name for path in (home / "repos/alice").iterdir()] == ["demo.git"]


def test_second_server_on_one_home_leaves_the_journal_alone(
    server: RunningServer, token: str, work: Path
) -> None:
    with running_server(server.home, variables=list(server.environment.items())) as second:
        url = second.remote("alice/twins", token=token)
        run_git(work, "push", "--quiet", url, "main")

    assert len(activities(server, "alice/twins", "push")) == 1
