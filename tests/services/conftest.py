"""What the tests of services share."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_user
from tests.support.sites import Site


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> Site:
    """Alice and bob, who own nothing yet."""
    with sessions.begin() as session:
        make_user(session, "alice")
        make_user(session, "bob")
    return Site(sessions, tmp_path / "repos")
