"""The environment of a git child: small, the same everywhere, and not to be overridden."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.server import run_git
from wit_admin.git.children.environment import ChildEnvironment, write_defaults

ALLOWED = {"PATH", "LANG", "HOME"}


@pytest.fixture
def environment(tmp_path: Path) -> ChildEnvironment:
    write_defaults(tmp_path / "defaults")
    return ChildEnvironment(tmp_path / "defaults", repository_hooks=False)


def test_nothing_of_the_servers_own_is_passed_on(
    environment: ChildEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "GIT_DIR", "GIT_SSH_COMMAND", "LD_PRELOAD", "WIT_HOME", "CANARY"):
        monkeypatch.setenv(name, "of the server")

    variables = environment.variables(version=2)

    assert "of the server" not in variables.values()
    assert all(name in ALLOWED or name.startswith("GIT_") for name in variables)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.hooksPath", os.devnull),
        ("core.fsmonitor", "false"),
        ("core.sshCommand", "false"),
        ("core.alternateRefsCommand", "true"),
        ("gpg.program", "false"),
        ("receive.autogc", "false"),
    ],
)
def test_repository_does_not_override_what_is_enforced(
    environment: ChildEnvironment, tmp_path: Path, key: str, value: str
) -> None:
    run_git(tmp_path, "init", "--quiet", "--bare", "hostile.git")
    run_git(tmp_path / "hostile.git", "config", key, "/bin/evil")

    answer = subprocess.run(
        ["git", "-C", str(tmp_path / "hostile.git"), "config", key],
        env=environment.variables(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.strip() == value


def test_repository_may_override_defaults(environment: ChildEnvironment, tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet", "--bare", "lax.git")
    run_git(tmp_path / "lax.git", "config", "transfer.fsckObjects", "false")

    answer = subprocess.run(
        ["git", "-C", str(tmp_path / "lax.git"), "config", "transfer.fsckObjects"],
        env=environment.variables(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.strip() == "false"


def test_defaults_can_be_written_again_and_leave_nothing_beside(tmp_path: Path) -> None:
    for _ in range(3):
        write_defaults(tmp_path / "deep/defaults")

    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["defaults"]
