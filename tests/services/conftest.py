"""What the tests of services share."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session, sessionmaker

from tests.support import sync_site
from tests.support.builders import make_demo, make_user
from tests.support.jj_writer import JjWriter
from tests.support.sites import Site
from tests.support.watch_site import WatchSite
from wit_admin.services.access import credentials


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> Site:
    """Alice and bob, who own nothing yet."""
    with sessions.begin() as session:
        make_user(session, "alice")
        make_user(session, "bob")
    return Site(sessions, tmp_path / "repos")


@pytest.fixture
def ground(sessions: sessionmaker[Session], tmp_path: Path) -> sync_site.Site:
    """An empty database and an empty root."""
    (tmp_path / "repos").mkdir()
    return sync_site.Site(sessions, tmp_path / "repos")


@pytest.fixture
def repo_id(sessions: sessionmaker[Session]) -> uuid.UUID:
    """The repository ``alice/demo``, which has a row and no folder."""
    with sessions.begin() as session:
        return make_demo(session)[1]


@pytest.fixture
def writer(tmp_path: Path) -> JjWriter:
    """A jj repository without an operation yet."""
    return JjWriter(tmp_path / "repo")


@pytest.fixture
def jj(sessions: sessionmaker[Session], tmp_path: Path) -> WatchSite:
    """Alice, who owns nothing yet; what is added to it has a jj workspace."""
    return WatchSite(sessions, tmp_path / "repos")


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing one takes no time, where what it costs is not the point; the format is the same."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "_hasher", lambda: hasher)
    monkeypatch.setattr(credentials, "_decoy", [])
