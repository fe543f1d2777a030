"""Rows of jj repositories: with several at work at once, and those who are killed."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_repository
from tests.support.jj_fixtures import unpack_fixture
from tests.support.jj_rows import go_to, state, sync
from tests.support.jj_writer import JjWriter
from tests.support.killing import killed_at
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.jj import (
    JjOperation,
    JjSyncState,
)
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import jj_state
from wit_admin.jj.repository import open_repository
from wit_admin.services.jj.sync import JjSyncResult, sync_repository


def test_two_syncs_at_once_end_as_one(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path
) -> None:
    fixture = unpack_fixture("0.45.1/timeline", tmp_path)

    with ThreadPoolExecutor(4) as pool:
        for step in (0, 5, 12, 20, len(fixture.oracle["steps"]) - 1):
            go_to(fixture, step)
            done = [pool.submit(sync, sessions, repo_id, fixture) for _ in range(4)]
            results = [each.result() for each in done]

            assert sum(result != JjSyncResult() for result in results) == 1
    with sessions() as session:
        heads = session.scalars(select(JjSyncState.op_heads)).one()
        assert heads == sorted(fixture.oracle["steps"][-1]["op_heads"])


def test_killed_at_any_step_the_rows_are_those_of_before_or_of_after(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path, database_url: str
) -> None:
    fixture = unpack_fixture("0.45.1/timeline", tmp_path)
    last = len(fixture.oracle["steps"]) - 1

    def sync_in_child() -> None:
        engine = open_engine(database_url)
        sync_repository(make_sessions(engine), repo_id, fixture.workspace, now=NOW)

    for target in (last // 2, last):
        go_to(fixture, target)
        before, step, was_killed, seen = state(sessions, repo_id), 0, True, []
        while was_killed:
            step += 1
            was_killed = killed_at(step, sync_in_child, in_statements=True)
            seen.append(state(sessions, repo_id))
        after = seen[-1]
        assert before not in (after, [])
        assert step > 10
        assert all(each in (before, after) for each in seen)


def test_killed_anywhere_it_is_done_the_next_time(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path, database_url: str
) -> None:
    """At moments of the clock, that fall into statements and reads; not only between them."""
    fixture = unpack_fixture("0.40.0/timeline", tmp_path)
    chance = random.Random(9)
    with sessions.begin() as session:
        owner_id = session.scalars(select(Repository.owner_id)).one()
        fresh_id = make_repository(session, owner_id, name="fresh")
    for _ in range(8):
        go_to(fixture, chance.randrange(len(fixture.oracle["steps"])))
        sync(sessions, fresh_id, fixture)
        before, after = state(sessions, repo_id), state(sessions, fresh_id)
        child = os.fork()
        if child == 0:
            try:
                engine = open_engine(database_url)
                sync_repository(make_sessions(engine), repo_id, fixture.workspace, now=NOW)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with sessions.begin() as session:
            # PostgreSQL may still be at work on what the dead one sent last.
            jj_state.lock(session.connection(), repo_id, path="")
        found = state(sessions, repo_id)
        sync(sessions, repo_id, fixture)

        assert found in (before, after)
        assert state(sessions, repo_id) == after


def test_two_hundred_writers_do_not_disturb_a_sync_and_lose_nothing(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    """Each adds its operation beside the others', and takes the heads away that it saw, as jj does
    when it reconciles: heads come and go, and there is never a moment of rest."""
    base = writer.publish(writer.view(writer.commit(description="base")))
    lines = [writer.commit(description=f"{number}", seconds=number) for number in range(200)]
    operations = [writer.operation(writer.view(each), base) for each in lines]
    folder = writer.repo / "op_heads/heads"
    published: list[str] = []

    def publish(number: int) -> None:
        seen = {name for name in published[-3:] if (folder / name).exists()}
        parents = sorted({operations[number], *seen})
        head = writer.operation(writer.view(*lines[: number + 1]), *parents)
        (folder / head).touch()
        published.append(head)
        for name in {base, *seen}:
            (folder / name).unlink(missing_ok=True)

    with ThreadPoolExecutor(8) as pool:
        done = pool.map(publish, range(200))
        for _ in range(10):
            sync(sessions, repo_id, writer)
        assert len(list(done)) == 200
    sync(sessions, repo_id, writer)

    with sessions() as session:
        known = set(session.scalars(select(JjOperation.operation_id)))
    heads = {path.name for path in folder.iterdir()}
    walked = open_repository(writer.workspace).iter_operations()
    assert known == {operation.id for operation in walked} >= heads
    assert known >= {*operations, *published}
