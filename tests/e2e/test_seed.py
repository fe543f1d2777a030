"""A seeded forge is served, and a seeding that was killed is completed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import KINDS
from tests.support import forker
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.processes import wait_until
from tests.support.server import run_git, running_server

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_demo_repository_is_cloned_and_a_private_one_is_not(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{kind}")
    home, clone = tmp_path / "home", tmp_path / "clone"
    with (
        databases.create() as url,
        running_server(home, variables=[("DATABASE_URL", url)]) as server,
    ):
        made = json.loads(server.admin("db", "seed", "--profile", "demo", "--json"))
        run_git(tmp_path, "clone", "--quiet", server.remote("orchard/press"), "clone")
        refused = run_git(
            tmp_path, "ls-remote", server.remote("orchard/ledger"), check=False
        ).returncode
        token = server.admin("token", "create", "maren")
        run_git(tmp_path, "ls-remote", server.remote("orchard/ledger", token=token))
        stranger = server.admin("token", "create", "kofi")
        hidden = run_git(
            tmp_path, "ls-remote", server.remote("orchard/ledger", token=stranger), check=False
        )

    assert "orchard/press" in [repository["name"] for repository in made["repositories"]]
    assert run_git(clone, "fsck", "--strict").returncode == 0
    assert run_git(clone, "rev-parse", "--abbrev-ref", "HEAD").stdout == "main\n"
    assert run_git(clone, "tag").stdout.split() == ["v0.1.0", "v0.2.0"]
    assert (refused, hidden.returncode) == (128, 128)
    assert "not found" in hidden.stderr


def test_a_seeding_that_is_killed_is_completed_by_the_next(tmp_path: Path) -> None:
    home, flags = tmp_path / "home", ("--profile", "demo", "--json")
    first = forker.start(["db", "seed", *flags], environment(home))
    started = home / "repos/orchard"
    wait_until(started.exists)
    first.kill(after_s=0)

    answers = [run_seed(home, *flags) for _ in range(2)]

    results = [json.loads(answer.stdout)["repositories"] for answer in answers]
    assert not any(repository["is_new"] for repository in results[1])
    for repository in results[1]:
        run_git(tmp_path / f"home/repos/{repository['name']}.git", "fsck", "--strict")


def run_seed(home: Path, *flags: str, url: str = "") -> subprocess.CompletedProcess[str]:
    return forker.run(["db", "seed", *flags], environment(home, url))


def environment(home: Path, url: str = "") -> dict[str, str]:
    given = {"DATABASE_URL": url} if url else {}
    return {"PATH": os.environ["PATH"], "WIT_HOME": str(home), **given}


def test_names_go_to_stdout_and_all_else_to_stderr(tmp_path: Path) -> None:
    first = run_seed(tmp_path / "home")
    again = run_seed(tmp_path / "home", "--json")

    assert (first.returncode, first.stdout) == (0, "testuser/test-repo\n")
    assert "wit-admin token create testuser" in first.stderr
    assert json.loads(again.stdout) == {
        "profile": "dev",
        "users": ["testuser"],
        "organizations": [],
        "repositories": [{"name": "testuser/test-repo", "visibility": "public", "is_new": False}],
    }
    assert "Everything was there already." in again.stderr


@pytest.mark.postgresql
def test_a_database_without_tables_is_only_filled_if_it_is_embedded(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    databases: PostgresDatabases = request.getfixturevalue("_postgresql")
    with databases.create(empty=True) as url:
        answer = run_seed(tmp_path / "home", url=url)

    assert (answer.returncode, answer.stdout) == (3, "")
    assert "wit-admin db migrate" in answer.stderr


def test_a_forge_in_use_is_refused_with_a_way_out(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run_seed(home)
    assert forker.run(["user", "create", "real"], environment(home)).returncode == 0

    refused = run_seed(home, "--profile", "demo", "--json")
    forced = run_seed(home, "--profile", "demo", "--force")

    error = json.loads(refused.stderr)["error"]
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (error["kind"], "--force" in error["hint"]) == ("refused", True)
    assert (forced.returncode, len(forced.stdout.splitlines())) == (0, 5)
