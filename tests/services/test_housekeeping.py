"""What is due is done once, and what is not due is left alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_repository, make_user
from tests.support.processes import wait_until
from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.accounts import AccessToken, UserSession
from wit_admin.db.models.events import AuditEvent
from wit_admin.db.models.pushes import PushEntry, PushState
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import expiry
from wit_admin.git.repositories import storage
from wit_admin.services import housekeeping

DAY = timedelta(days=1)


def ended(kind: type[UserSession | AccessToken], user: uuid.UUID, **when: datetime) -> object:
    ids = {"id": new_id(), "user_id": user}
    if kind is UserSession:
        return UserSession(**ids, token_digest=os.urandom(32), **when)
    return AccessToken(**ids, name="t", digest=os.urandom(32), hint="x", scopes="", **when)


@pytest.mark.parametrize("kind", [UserSession, AccessToken])
def test_what_ended_long_ago_is_deleted(
    sessions: sessionmaker[Session], kind: type[UserSession | AccessToken]
) -> None:
    now = utc_now()
    with sessions.begin() as session:
        user = make_user(session)
        good = ended(kind, user, expires_at=now + DAY)
        lately = ended(kind, user, expires_at=now - DAY)
        revoked_lately = ended(kind, user, expires_at=now + DAY, revoked_at=now - DAY)
        kept = [good, lately, revoked_lately]
        session.add_all(kept)
        session.add(ended(kind, user, expires_at=now - 9 * DAY))
        session.add(ended(kind, user, expires_at=now + DAY, revoked_at=now - 9 * DAY))

    counts = housekeeping.purge_ended(sessions, older_than=7 * DAY)

    assert sorted(counts.values()) == [0, 2]
    with sessions() as session:
        left = session.scalars(select(kind.id)).all()
        told = session.scalars(select(AuditEvent.after)).all()
    assert set(left) == {row.id for row in kept}  # type: ignore[attr-defined]
    assert told == [{"rows": 2}]
    assert set(housekeeping.purge_ended(sessions, older_than=7 * DAY).values()) == {0}


def entry(repo_id: uuid.UUID, state: PushState, *, age: timedelta) -> PushEntry:
    made_at = utc_now() - age
    marked = uuid.UUID(int=int(made_at.timestamp() * 1000) << 80 | uuid.uuid4().int >> 60)
    return PushEntry(
        id=marked,
        repo_id=repo_id,
        host=socket.gethostname(),
        commands=[],
        state=state,
        created_at=made_at,
        settled_at=made_at if state is PushState.SETTLED else None,
    )


def test_only_old_and_settled_entries_leave_the_journal(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        repo_id = make_repository(session, make_user(session))
        session.add_all(entry(repo_id, PushState.SETTLED, age=9 * DAY) for _ in range(3))
        session.add(entry(repo_id, PushState.SETTLED, age=DAY))
        session.add(entry(repo_id, PushState.PENDING, age=9 * DAY))

    assert housekeeping.prune_journal(sessions, older_than=7 * DAY) == 3

    with sessions() as session:
        left = session.scalars(select(PushEntry.state).order_by(PushEntry.id)).all()
    assert left == [PushState.PENDING, PushState.SETTLED]


def test_more_than_one_transaction_holds_is_deleted_all(sessions: sessionmaker[Session]) -> None:
    count = expiry.BATCH + 7
    with sessions.begin() as session:
        repo_id = make_repository(session, make_user(session))
        session.add_all(entry(repo_id, PushState.SETTLED, age=9 * DAY) for _ in range(count))

    assert housekeeping.prune_journal(sessions, older_than=7 * DAY) == count


def test_wrong_counters_are_mended_and_told(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        repo_id = make_repository(session, make_user(session))
        session.execute(update(Repository).values(stars_count=7))

    assert housekeeping.recount(sessions) == 1
    assert housekeeping.recount(sessions) == 0

    with sessions() as session:
        assert session.scalars(select(Repository.stars_count)).all() == [0]
        told = session.scalars(select(AuditEvent.after)).one()
    assert told == {"counters": [{"repository": str(repo_id), "counter": "stars_count", "was": 7}]}


def test_leftovers_go_when_they_are_old_and_nobody_is_in_them(tmp_path: Path) -> None:
    owner = tmp_path / "repos/alice"
    owner.mkdir(parents=True)
    for name in (".new~dead", ".old~dead", ".new~young", ".old~used"):
        (owner / name).mkdir()
    for path in owner.iterdir():
        if "young" not in path.name:
            os.utime(path, (0, 0))
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, cwd=owner / ".old~used", stdin=subprocess.PIPE) as process:
        wait_until(lambda: Path(f"/proc/{process.pid}/cwd").readlink() == owner / ".old~used")

        removed = housekeeping.sweep_leftovers(tmp_path / "repos")

        assert process.stdin is not None
        process.stdin.close()
    assert removed == 2
    assert {path.name for path in owner.iterdir()} == {".new~young", ".old~used"}


def test_locks_go_when_they_are_old(tmp_path: Path) -> None:
    for name in ("old", "young"):
        storage.create_bare(tmp_path, f"alice/{name}.git")
        (tmp_path / f"alice/{name}.git/HEAD.lock").touch()
    os.utime(tmp_path / "alice/old.git/HEAD.lock", (0, 0))

    assert housekeeping.sweep_locks(tmp_path) == 1

    assert not (tmp_path / "alice/old.git/HEAD.lock").exists()
    assert (tmp_path / "alice/young.git/HEAD.lock").exists()
