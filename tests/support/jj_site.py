"""Repositories of jj whose rows were synced, for tests that only read them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_repository, make_user
from tests.support.databases import Databases
from tests.support.jj_fixtures import Fixture, unpack_fixture
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.services.jj.sync import sync_repository


@dataclass(frozen=True, slots=True)
class JjSite:
    """A database, and what was synced into it: ``alice/<name>`` for each fixture."""

    sessions: sessionmaker[Session]
    ids: dict[str, uuid.UUID]
    fixtures: dict[str, Fixture]


@contextmanager
def open_jj_site(databases: Databases, folder: Path, **fixtures: str) -> Iterator[JjSite]:
    """Do so in a database of its own."""
    with databases.create() as url:
        engine = open_engine(url)
        yield make_jj_site(make_sessions(engine), folder, **fixtures)
        engine.dispose()


def make_jj_site(sessions: sessionmaker[Session], folder: Path, **fixtures: str) -> JjSite:
    """Unpack each ``version/scenario`` and sync it; ``alice/plain`` has nothing of jj."""
    unpacked = {}
    ids = {}
    with sessions.begin() as session:
        owner_id = make_user(session)
        for name in (*fixtures, "plain"):
            ids[name] = make_repository(session, owner_id, name=name)
    for name, fixture in fixtures.items():
        unpacked[name] = unpack_fixture(fixture, folder / name)
        sync_repository(sessions, ids[name], unpacked[name].workspace, now=NOW)
    return JjSite(sessions, ids, unpacked)
