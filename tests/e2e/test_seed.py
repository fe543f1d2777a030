"""A seeded forge is served, and a seeding that was killed is completed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import KINDS
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.server import run_git, running_server

pytestmark = pytest.mark.e2e

DEADLINE_S = 30.0


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
    environment = {"PATH": os.environ["PATH"], "WIT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "wit_admin", "db", "seed", "--profile", "demo", "--json"]
    first = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    started = tmp_path / "home/repos/orchard"
    deadline = time.monotonic() + DEADLINE_S
    while not started.exists() and time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            first.wait(timeout=0.005)
    first.send_signal(signal.SIGKILL)
    first.wait()

    answers = [
        subprocess.run(command, capture_output=True, check=True, env=environment) for _ in range(2)
    ]

    results = [json.loads(answer.stdout)["repositories"] for answer in answers]
    assert started.exists()
    assert not any(repository["is_new"] for repository in results[1])
    for repository in results[1]:
        run_git(tmp_path / f"home/repos/{repository['name']}.git", "fsck", "--strict")
