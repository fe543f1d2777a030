"""Every command in one long story: each change is told once, and what is none changes nothing.

Before each one that asks for a confirmation is run, it is shown that without one it does nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

from tests.support.own_words import assert_told
from tests.support.repositories import commit, new_work
from tests.support.server import run_git
from wit_admin.cli import _stored
from wit_admin.cli._login import login_uid
from wit_admin.cli._root import app
from wit_admin.db.base import Base
from wit_admin.db.engine import make_sessions
from wit_admin.git.repositories import storage

COMMANDS = {
    path: {name for parameter in command.params for name in parameter.opts}
    for path, command, _ in _stored.walk()
    if not isinstance(command, TyperGroup) or command.invoke_without_command
}
GOES_ON = {"serve", "watch"}
"""End by a signal; what they change is told where they are tested."""
PLANNED = {"--dry-run", "--yes", "--no-input"}
ASKING = {
    "org delete": PLANNED,
    "org rename": PLANNED,
    "repo delete": PLANNED,
    "repo transfer": PLANNED,
    "repo trash empty": PLANNED,
    "sync": PLANNED,
    "sync-repos": PLANNED,
    "team delete": PLANNED,
    "user delete": PLANNED,
    "user merge": PLANNED,
    "user rename": PLANNED,
    "db rollback": PLANNED,
    "repo gc": {"--dry-run"},
    "session revoke": {"--dry-run"},
}
"""What changes many things or destroys one.

``repo gc`` takes nothing away, and whoever lost a session signs in again.

All others change one thing that one other command brings back, or shut somebody out, which is not
to wait for an answer.
"""
SELF_EXPLANATORY = {"repository.prune"}
"""May have no fields before or after besides what the name says."""
ABOUT_MANY = {"database", "repository.adopt", "repository.recount", "user.adopt"}
CHANGES_THE_DISK = {"organization", "repository", "user"}
"""After each of these every repository says what its row says."""
DERIVED = {"pushed_heads", "repositories.fingerprint"}
"""How far the index of pushed changes has come, and what a sync saw last of a folder."""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDDE/GRjPCzOjo+oCBoQqb8hqE7gBQbRcjhYm6g5rRxR a"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the story takes place."""

    engine: Engine
    home: Path

    @property
    def root(self) -> Path:
        return self.home / "repos"

    def state(self) -> tuple[Any, ...]:
        """Return all rows, of whatever revision, and all files of repositories."""
        with self.engine.connect() as connection:
            rows = [
                sorted(
                    repr([(name, row[name]) for name in row if f"{table}.{name}" not in DERIVED])
                    for row in connection.execute(select(text("*")).select_from(table)).mappings()
                )
                for table in Base.metadata.sorted_tables
                if table.name not in DERIVED
            ]
        return rows, sorted(
            (str(path), path.read_bytes() if path.is_file() else b"")
            for path in self.root.rglob("*")
        )

    def events(self) -> list[dict[str, Any]]:
        table = Base.metadata.tables["audit_events"]
        with self.engine.connect() as connection:
            found = connection.execute(select(table).order_by(table.c.seq)).mappings()
            return [dict(row) for row in found]

    def add_on_disk(self) -> None:
        for place in ("ghost/found.git", "guild/found.git"):
            storage.create_bare(self.root, place)

    def lose_on_disk(self) -> None:
        shutil.rmtree(self.root / "ghost/found.git")


@dataclass(frozen=True, slots=True)
class Step:
    """A command line, and what the trail says of it, if anything."""

    line: str
    told: str | None = None
    code: int = 0
    given: str = ""
    ahead: Callable[[Site], object] | None = None
    """What happens on disk before it."""


STORY = (
    Step("user create alice --password-stdin", "user.create", given="correct horse\n"),
    Step("user create alice --if-not-exists"),
    Step("user create bob", "user.create"),
    Step("user create carol", "user.create"),
    Step("user create dave", "user.create"),
    Step("user edit bob --full-name Bob --email bob@example.org", "user.edit"),
    Step("user edit bob --full-name Bob"),
    Step("user passwd bob --generate-password", "user.passwd"),
    Step("user list"),
    Step("user show bob"),
    Step("ssh-key add bob - --name laptop", "ssh_key.create", given=KEY),
    Step("ssh-key add bob - --if-not-exists", given=KEY),
    Step("ssh-key list bob"),
    Step("ssh-key remove bob {ssh-key list bob}", "ssh_key.delete"),
    Step("token create bob --name ci", "token.create"),
    Step("token list bob"),
    Step("token revoke {token list bob}", "token.revoke"),
    Step("session create bob", "session.create"),
    Step("session list bob"),
    Step("session revoke {session list bob}", "session.revoke"),
    Step("session create bob", "session.create"),
    Step("session revoke --user bob", "user.sign_out"),
    Step("session revoke --user bob"),
    Step("org create acme --owner alice", "organization.create"),
    Step("org create acme --owner bob --if-not-exists"),
    Step("org list"),
    Step("org show acme"),
    Step("org edit acme --location Oxford", "organization.edit"),
    Step("org edit acme --location Oxford"),
    Step("org member add acme bob", "member.set"),
    Step("org member add acme bob"),
    Step("org member add acme bob --role admin", "member.set"),
    Step("org member list acme"),
    Step("team create acme/core", "team.create"),
    Step("team create acme/core --if-not-exists"),
    Step("team list acme"),
    Step("team show acme/core"),
    Step("team edit acme/core --name kernel", "team.edit"),
    Step("team edit acme/kernel --name kernel"),
    Step("team member add acme/kernel bob", "team_member.add"),
    Step("team member add acme/kernel bob"),
    Step("team member list acme/kernel"),
    Step("repo create acme/demo --private", "repository.create"),
    Step("repo create acme/demo --if-not-exists --private"),
    Step("team repo add acme/kernel demo --permission read", "team_repository.set"),
    Step("team repo add acme/kernel Acme/demo --permission write", "team_repository.set"),
    Step("team repo add acme/kernel demo --permission write"),
    Step("team repo add acme/kernel bob/demo", code=2),
    Step("team repo list acme/kernel"),
    Step("team repo remove acme/kernel acme/demo", "team_repository.remove"),
    Step("team member remove acme/kernel bob", "team_member.remove"),
    Step("collab add acme/demo bob --permission read", "collaborator.set"),
    Step("collab add acme/demo bob --permission write", "collaborator.set"),
    Step("collab add acme/demo bob --permission write"),
    Step("collab list acme/demo"),
    Step("collab remove acme/demo bob", "collaborator.remove"),
    Step("protect add acme/demo main", "protection.set"),
    Step("protect add acme/demo main --allow-force", "protection.set"),
    Step("protect add acme/demo main --allow-force"),
    Step("protect list acme/demo"),
    Step("access explain bob acme/demo main --action push"),
    Step("protect remove acme/demo main", "protection.remove"),
    Step("repo import {home}/source acme/brought --public", "repository.import"),
    Step("repo list"),
    Step("repo show acme/brought"),
    Step("repo edit acme/demo --description Try", "repository.edit"),
    Step("repo edit acme/demo --description Try"),
    Step("repo visibility acme/demo public", "repository.visibility"),
    Step("repo visibility acme/demo public"),
    Step("repo set-head acme/brought topic", "repository.set_head"),
    Step("repo set-head acme/brought topic"),
    Step("repo archive acme/demo", "repository.archive"),
    Step("repo archive acme/demo"),
    Step("repo unarchive acme/demo", "repository.unarchive"),
    Step("repo unarchive acme/demo"),
    Step("repo stats acme/brought"),
    Step("repo gc acme/brought --full", "repository.gc"),
    Step("repo rename acme/demo tools", "repository.rename"),
    Step("repo rename acme/demo tools"),
    Step("repo transfer acme/tools bob --yes", "repository.transfer"),
    Step("repo transfer acme/tools bob --yes"),
    Step("repo delete bob/tools --yes", "repository.delete"),
    Step("repo trash list"),
    Step("repo restore bob/tools", "repository.restore"),
    Step("repo delete bob/tools --yes", "repository.delete"),
    Step("repo trash empty --yes", "repository.purge"),
    Step("repo trash empty --yes"),
    Step("watch list"),
    Step("watch status"),
    Step("watch add acme/brought", code=1),
    Step("watch remove acme/brought", "watch.remove"),
    Step("watch remove acme/brought"),
    Step("watch sync acme/brought", code=1),
    Step("jj changes acme/brought", code=1),
    Step("jj ops acme/brought", code=1),
    Step("jj bookmarks acme/brought", code=1),
    Step("jj conflicts acme/brought", code=1),
    Step("jj evolution acme/brought kkkk", code=1),
    Step("sync-repos", "repository.adopt", ahead=Site.add_on_disk),
    Step("sync-repos"),
    Step("user claim ghost --email ghost@example.org", "user.claim"),
    Step("org claim guild --owner alice", "organization.claim"),
    Step("sync-repos --prune --max-prune 100 --yes", "repository.prune", ahead=Site.lose_on_disk),
    Step("sync"),
    Step("sync --list"),
    Step("user rename dave david --yes", "user.rename"),
    Step("user rename dave david --yes"),
    Step("org rename guild gild --yes", "organization.rename"),
    Step("user merge carol david --yes", "user.merge"),
    Step("team delete acme/kernel --yes", "team.delete"),
    Step("org member remove acme bob", "member.remove"),
    Step("user block bob", "user.block"),
    Step("user block bob"),
    Step("user unblock bob", "user.unblock"),
    Step("user unblock bob"),
    Step("org delete acme --transfer-to alice --yes", "organization.delete"),
    Step("user delete bob --yes", "user.delete"),
    Step("db seed --force", "database.seed"),
    Step("db seed --force", "database.seed"),
    Step("activity list"),
    Step("audit list"),
    Step("audit verify"),
    Step("config show"),
    Step("completion bash"),
    Step("db status"),
    Step("db sql"),
    Step("db check"),
    Step("db migrate"),
    Step("db rollback --to 0008 --yes", "database.rollback"),
    Step("db migrate", "database.migrate"),
)


@pytest.fixture
def site(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Site:
    monkeypatch.setenv("DATABASE_URL", database_url)
    home = Path(os.environ["WIT_HOME"])
    work = new_work(home / "source")
    commit(work, "first")
    run_git(work, "branch", "topic")
    return Site(engine, home)


def run(line: str, given: str = "") -> Result:
    return CliRunner().invoke(app, line.split(), input=given, prog_name="wit-admin")


def filled(site: Site, line: str) -> str:
    """Return a command line with the id of what a list shows first in the place of the list."""
    before, brace, rest = line.replace("{home}", str(site.home)).partition("{")
    if not brace:
        return before
    listing, _, after = rest.partition("}")
    first = json.loads(run(f"{listing} --json").stdout)[0]
    return f"{before}{first['id']}{after}"


def test_story_has_every_command() -> None:
    told = {
        path
        for step in STORY
        for path in COMMANDS
        if f"{step.line} ".startswith(f"{path} ") and path not in GOES_ON
    }

    assert told == set(COMMANDS) - GOES_ON


def test_what_takes_something_away_can_be_shown_and_is_confirmed() -> None:
    offered = {path: PLANNED & options for path, options in COMMANDS.items()}

    assert {path: options for path, options in offered.items() if options} == ASKING


def test_each_change_is_told_once_and_what_is_no_change_is_none(site: Site) -> None:
    for step in STORY:
        if step.ahead is not None:
            step.ahead(site)
        line = filled(site, step.line)
        before, seen = site.state(), len(site.events())
        if step.told and "--yes" in line:
            refuse_without_consent(site, line, before)

        result = run(line, step.given)

        assert result.exit_code == step.code, (line, result.stderr)
        events = site.events()[seen:]
        if step.told is None:
            assert (events, site.state()) == ([], before), line
        else:
            assert step.told in {event["action"] for event in events}, (line, events)
        for event in events:
            assert_tells(event)
        if step.told and step.told.partition(".")[0] in CHANGES_THE_DISK:
            assert_told(make_sessions(site.engine), site.root)
    assert run("audit verify").exit_code == 0


def refuse_without_consent(site: Site, line: str, before: tuple[Any, ...]) -> None:
    """Show that a command does nothing without a yes, and with ``--dry-run``."""
    path = next(path for path in sorted(ASKING, key=len)[::-1] if line.startswith(path))
    bare = line.replace(" --yes", "")
    for option, code in (("", 2), (" --no-input", 2), (" --dry-run", 0)):
        if not option or option.strip() in ASKING[path]:
            result = run(bare + option)
            assert result.exit_code == code, (bare, option, result.stderr)
            assert bool(result.stdout) == (option == " --dry-run")
    assert site.state() == before, line


def assert_tells(event: dict[str, Any]) -> None:
    """Check that an event says who did what to what, and from where."""
    action = event["action"]
    assert (event["origin"], event["os_uid"]) == ("cli", login_uid())
    assert event["os_login"] is not None
    is_about_many = ABOUT_MANY & {action, action.partition(".")[0]}
    assert is_about_many or event["target_name"] is not None, event
    assert is_about_many or event["target_id"] is not None, event
    assert event["before"] or event["after"] or action in SELF_EXPLANATORY, event
    assert not {"correct horse", "argon2", "wit_"} & set(repr(event).split("'")), event
