"""What the tests of services share."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support import sync_site
from tests.support.builders import make_user
from tests.support.sites import Site


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
