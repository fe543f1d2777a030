"""Every command against a schema that is not this program's: a newer one, and an older one."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from tests.cli.test_every_command import COMMANDS, STORY
from wit_admin.cli._root import app
from wit_admin.db import migrate
from wit_admin.db.revisions import known_revisions

NEED_NO_DATABASE = {"completion", "config show", "db sql"}
SEE_TO_THE_SCHEMA = {"db check", "db migrate", "db rollback", "db status"}
MIGRATE_SQLITE = {"db seed", "serve"}
_IDS = {
    "ssh-key remove": "ssh-key remove bob 0190163d-8694-739b-aea5-966c26f8ad90",
    "token revoke": "token revoke 0190163d-8694-739b-aea5-966c26f8ad90",
    "session revoke": "session revoke 0190163d-8694-739b-aea5-966c26f8ad90",
    "db rollback": "db rollback --yes",
    "serve": "serve --port 0",
    "watch": "watch",
}


def line_of(path: str) -> str:
    """Return a command line that would work on the schema of this program."""
    story = (step.line for step in STORY if f"{step.line} ".startswith(f"{path} "))
    line = _IDS.get(path) or next(story).replace("{home}", "/nonexistent")
    assert "{" not in line
    return line


LINES = {path: line_of(path) for path in sorted(set(COMMANDS) - NEED_NO_DATABASE)}


@pytest.fixture(autouse=True)
def _forge(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "wit").mkdir()


def run(line: str) -> Result:
    return CliRunner().invoke(app, line.split(), input="ssh-ed25519 AAAA", prog_name="wit-admin")


def set_revision(engine: Engine, *numbers: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
        for number in numbers:
            connection.execute(sa.text("INSERT INTO alembic_version VALUES (:n)"), {"n": number})


def test_every_command_refuses_a_newer_schema(engine: Engine) -> None:
    set_revision(engine, "9999")

    for path, line in LINES.items():
        result = run(line)

        assert (result.exit_code, path) == (3, path), result.stderr
        assert "revision 9999, which this wit-admin does not know" in result.stderr, path
        assert "newer wit-admin" in result.stderr, path
        assert bool(result.stdout) == (path == "db status"), path


def test_every_command_refuses_an_older_schema_and_says_what_migrates_it(engine: Engine) -> None:
    migrate.downgrade(engine, "0003")
    is_sqlite = engine.dialect.name == "sqlite"

    for path in set(LINES) - SEE_TO_THE_SCHEMA - (MIGRATE_SQLITE if is_sqlite else set()):
        result = run(LINES[path])

        assert (result.exit_code, path) == (3, path), result.stderr
        assert "at revision 0003, and this program needs" in result.stderr, path
        assert "wit-admin db migrate" in result.stderr, path
        assert result.stdout == "", path


def test_what_sees_to_the_schema_works_on_an_older_one(engine: Engine) -> None:
    migrate.downgrade(engine, "0003")

    assert run("db status").stdout.startswith("0003, ")
    check = run("db check")
    assert check.exit_code == 1
    assert "wit-admin db migrate" in check.stderr
    assert run("db rollback --yes").stdout == "0002\n"
    assert run("db migrate").stdout == f"{known_revisions()[-1]}\n"
    assert run("repo list").exit_code == 0


def test_an_empty_database_is_an_older_one(engine: Engine) -> None:
    migrate.downgrade(engine, "base")

    assert "at revision none" in run("user list").stderr


def test_two_revisions_at_once_are_known_to_nobody(engine: Engine) -> None:
    set_revision(engine, "0008", "0009")

    result = run("user list")

    assert result.exit_code == 3
    assert "at revision 0008+0009, which" in result.stderr
