"""Owners are merged and removed by processes that are killed: the next ends what they began."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.own_words import assert_told
from tests.support.owner_site import OwnerSite
from tests.support.processes import wait_until
from wit_admin.git import own_config
from wit_admin.names import RepoName
from wit_admin.services import audit_check, organizations, trash
from wit_admin.services.accounts import create_user

COUNT = 8


@dataclass(frozen=True, slots=True)
class Site(OwnerSite):
    """Octo and the organization ``acme``, who own eight repositories each, and alice."""

    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "wit_admin", *arguments]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, env=self.environment)

    def kill_at(self, number: int, owner: str, *arguments: str) -> None:
        """Run a command, and kill it when it has told so many folders of this owner's."""
        # As git locks a config; whoever wants to change it waits for seconds.
        lock = self.root / f"{owner}/{owner}{number:02}.git/config.lock"
        lock.touch()
        process = self.start(*arguments)
        wait_until(lambda: self.told(owner) >= number)
        process.kill()
        process.wait()
        lock.unlink()

    def finish(self, *arguments: str) -> None:
        assert self.start(*arguments).wait() == 0

    def told(self, owner: str) -> int:
        """Return how many of an owner's folders say that they are another's, or are moved away."""
        places = (self.root / owner).glob("*.git")
        return COUNT - sum(own_config.read_own(place).get("owner") == owner for place in places)

    def assert_true(self) -> None:
        """Check that each row's folder says what the row says."""
        assert_told(self.sessions, self.root)
        assert audit_check.verify(self.sessions).findings == ()


@pytest.fixture
def site(sessions: sessionmaker[Session], database_url: str, tmp_path: Path) -> Site:
    home = tmp_path / "home"
    for name in ("octo", "alice"):
        create_user(sessions, name)
    organizations.create_organization(sessions, "acme", owner="alice")
    environment = {
        "PATH": os.environ["PATH"],
        "WIT_HOME": str(home),
        "DATABASE_URL": database_url,
    }
    site = Site(sessions, home / "repos", environment)
    for owner in ("octo", "acme"):
        site.create(*(f"{owner}/{owner}{number:02}" for number in range(COUNT)))
    return site


def test_merge_ends_what_killed_ones_began(site: Site) -> None:
    for number in (1, 6):
        site.kill_at(number, "octo", "user", "merge", "octo", "alice", "--yes")
        assert any(name.startswith("octo/") for name in site.names())

    site.finish("user", "merge", "octo", "alice", "--yes")

    assert [name for name in site.names() if "/octo" in name] == [
        f"alice/octo{number:02}" for number in range(COUNT)
    ]
    site.assert_true()


def test_renames_end_what_killed_ones_began(site: Site) -> None:
    for number in (2, 5):
        site.kill_at(number, "acme", "org", "rename", "acme", "labs", "--yes")
        assert "acme/acme00" in site.names()

    site.finish("org", "rename", "acme", "labs", "--yes")

    assert [name for name in site.names() if "/acme" in name] == [
        f"labs/acme{number:02}" for number in range(COUNT)
    ]
    assert site.leads_to("acme/acme07") == "labs/acme07"
    site.assert_true()


def test_removals_end_what_killed_ones_began(site: Site) -> None:
    to_trash = ("user", "delete", "octo", "--trash-repositories", "--yes")
    to_alice = ("org", "delete", "acme", "--transfer-to", "alice", "--yes")
    site.kill_at(3, "octo", *to_trash)
    site.finish(*to_trash)
    site.kill_at(COUNT - 1, "acme", *to_alice)
    site.finish(*to_alice)

    assert site.names() == [f"alice/acme{number:02}" for number in range(COUNT)]
    site.assert_true()
    for number in range(COUNT):
        name = RepoName("octo", f"octo{number:02}")
        trash.restore_repository(site.sessions, site.root, name, to_owner="alice")
    assert len(site.names()) == 2 * COUNT
    site.assert_true()
