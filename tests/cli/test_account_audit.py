"""Every command that changes accounts, organizations or teams is told once, also when run twice."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from wit_admin.cli._root import app

STORY = (
    ("user create alice", "user.create"),
    ("user create alice --if-not-exists", None),
    ("user create bob", "user.create"),
    ("user edit bob --full-name Bob --email bob@example.org", "user.edit"),
    ("user passwd bob --generate-password", "user.passwd"),
    ("org create acme --owner alice", "organization.create"),
    ("org create acme --owner bob --if-not-exists", None),
    ("org edit acme --location Oxford", "organization.edit"),
    ("org member add acme bob", "member.set"),
    ("org member add acme bob", None),
    ("org member add acme bob --role admin", "member.set"),
    ("team create acme/core", "team.create"),
    ("team create acme/core --if-not-exists", None),
    ("team edit acme/core --name kernel", "team.edit"),
    ("team member add acme/kernel bob", "team_member.add"),
    ("team member add acme/kernel bob", None),
    ("repo create acme/demo --private", "repository.create"),
    ("team repo add acme/kernel demo --permission read", "team_repository.set"),
    ("team repo add acme/kernel Acme/demo --permission write", "team_repository.set"),
    ("team repo remove acme/kernel acme/demo", "team_repository.remove"),
    ("team member remove acme/kernel bob", "team_member.remove"),
    ("team delete acme/kernel --yes", "team.delete"),
    ("org member remove acme bob", "member.remove"),
    ("user block bob", "user.block"),
    ("user block bob", None),
    ("user unblock bob", "user.unblock"),
    ("user unblock bob", None),
    ("user delete bob --dry-run", None),
    ("org delete acme --transfer-to alice --dry-run", None),
    ("org delete acme --trash-repositories --yes", "organization.delete"),
    ("user delete bob --yes", "user.delete"),
)


@pytest.fixture(autouse=True)
def _settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def run(line: str) -> Result:
    return CliRunner().invoke(app, line.split(), prog_name="wit-admin")


def last_event() -> tuple[int, str]:
    rows = json.loads(run("audit list --limit 1 --json").stdout)
    return (rows[0]["seq"], rows[0]["action"]) if rows else (0, "")


def test_each_change_is_one_event_and_a_change_that_is_none_is_not_told() -> None:
    seen = 0
    for line, action in STORY:
        result = run(line)
        assert result.exit_code == 0, (line, result.stderr)

        seq, last = last_event()

        assert (seq > seen, last) == (True, action) if action else seq == seen, line
        seen = seq
    assert run("audit verify").exit_code == 0


def test_team_is_let_into_repositories_of_its_own_organization_only() -> None:
    for line in STORY[:17]:
        run(line[0])

    result = run("team repo add acme/kernel bob/demo")

    assert result.exit_code == 2
    assert "acme/kernel can get access to repositories of acme only" in result.stderr
