"""Rows of jj repositories: after any sequence of syncs the same as after one."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_repository
from tests.support.jj_fixtures import unpack_fixture
from tests.support.jj_rows import go_to, state, sync
from tests.support.jj_writer import JjWriter
from wit_admin.db.models.jj import (
    Bookmark,
    Change,
    ChangeCommit,
    Conflict,
    JjOperation,
    JjSyncState,
)
from wit_admin.db.models.repositories import Repository
from wit_admin.jj.change_ids import encode_change_id
from wit_admin.services.jj.sync import JjSyncOptions, sync_repository


@pytest.mark.parametrize("version", ["0.17.1", "0.35.0", "0.45.1"])
def test_rows_after_any_steps_are_those_of_one_fresh_sync(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path, version: str
) -> None:
    """Forth by one and by many, and back, as a restored backup would go."""
    fixture = unpack_fixture(f"{version}/timeline", tmp_path)
    last = len(fixture.oracle["steps"]) - 1
    chance = random.Random(version)
    jumps = [chance.randint(0, last) for _ in range(8)]
    with sessions() as session:
        owner_id = session.scalars(
            select(Repository.owner_id).where(Repository.id == repo_id)
        ).one()

    for turn, step in enumerate([*range(last + 1), *jumps]):
        is_divergent = len(go_to(fixture, step)) > 1
        sync(sessions, repo_id, fixture)
        if is_divergent or turn > last or turn % 5 == 0:
            with sessions.begin() as session:
                fresh_id = make_repository(session, owner_id, name=f"fresh-{turn}")
            sync(sessions, fresh_id, fixture)

            assert state(sessions, repo_id) == state(sessions, fresh_id), (turn, step)


@pytest.mark.parametrize("version", ["0.29.0", "0.40.0"])
def test_rows_are_right_whatever_is_left_out_in_between(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path, version: str
) -> None:
    """At random moments of a repository's life, with random limits and kinds left out."""
    fixture = unpack_fixture(f"{version}/timeline", tmp_path)
    chance = random.Random(version)
    steps = [chance.randrange(len(fixture.oracle["steps"])) for _ in range(25)]
    with sessions.begin() as session:
        owner_id = session.scalars(select(Repository.owner_id)).one()
        fresh_id = make_repository(session, owner_id, name="fresh")
    options = JjSyncOptions()
    for turn, step in enumerate(steps):
        go_to(fixture, step)
        if chance.random() < 0.6:
            names = ("changes", "bookmarks", "operations", "conflicts")
            kinds = {f"sync_{name}": chance.random() < 0.8 for name in names}
            options = JjSyncOptions(max_changes=chance.choice([None, 0, 1, 3, 8]), **kinds)
        sync_repository(sessions, repo_id, fixture.workspace, now=NOW, options=options)
        sync(sessions, fresh_id, fixture)
        if options.sync_changes and options.max_changes is not None:
            assert_newest_part(sessions, repo_id, fresh_id)
        if turn % 3 == 0:
            sync(sessions, repo_id, fixture)

            assert state(sessions, repo_id) == state(sessions, fresh_id), (turn, step, options)


@pytest.mark.parametrize("seed", [6, 8, 13])
def test_rows_follow_any_history_from_any_state_to_any_other(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter, seed: int
) -> None:
    """Histories full of merges, with clocks wrong by most of an hour; views that have little in
    common; commits that come, hide behind a bookmark of a remote, and go."""
    chance = random.Random(seed)
    commits = make_history(writer, chance, size=60)
    with sessions.begin() as session:
        owner_id = session.scalars(select(Repository.owner_id)).one()
        fresh_id = make_repository(session, owner_id, name="fresh")
    views = [random_view(writer, chance, commits)]
    for _ in range(20):
        views.append(random_view(writer, chance, commits))
        publish = [writer.operation(view) for view in chance.sample(views, chance.choice([1, 2]))]
        writer.set_heads(*publish)
        options = JjSyncOptions(max_changes=chance.choice([None, 0, 2, 5, 20]))
        sync_repository(sessions, repo_id, writer.workspace, now=NOW, options=options)
        forget(sessions, fresh_id)
        sync(sessions, fresh_id, writer)
        if options.max_changes is None:
            assert state(sessions, repo_id) == state(sessions, fresh_id)
        else:
            assert_newest_part(sessions, repo_id, fresh_id)


def make_history(writer: JjWriter, chance: random.Random, *, size: int) -> list[str]:
    changes = [encode_change_id(chance.randbytes(16)) for _ in range(size)]
    commits: list[str] = []
    for number in range(size):
        parents = chance.sample(commits[-8:], min(len(commits), chance.choice([0, 1, 1, 1, 2, 3])))
        commits.append(
            writer.commit(
                *parents,
                description=f"{number}\n",
                change_id=chance.choice(changes),
                seconds=1_700_000_000 + number * 60 + chance.choice([0, 0, 3000]),
            )
        )
    return commits


def random_view(writer: JjWriter, chance: random.Random, commits: list[str]) -> str:
    def some(*names: str) -> dict[str, str]:
        return {name: chance.choice(commits) for name in names if chance.random() < 0.5}

    heads = chance.sample(commits, chance.choice([1, 1, 2, 3]))
    return writer.view(
        *heads,
        bookmarks=some("main", "topic"),
        working_copies={"default": heads[0]},
        origin=some("main", "topic", "old"),
    )


def forget(sessions: sessionmaker[Session], repo_id: uuid.UUID) -> None:
    with sessions.begin() as session:
        for model in (Conflict, ChangeCommit, Change, Bookmark, JjOperation, JjSyncState):
            session.execute(delete(model).where(model.repo_id == repo_id))


def assert_newest_part(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, whole_id: uuid.UUID
) -> None:
    """Assert that one repository's rows are what must be there of another's, and truly so."""
    part, whole = (read_commits(sessions, each) for each in (repo_id, whole_id))
    with sessions() as session:
        targets = select(Bookmark.target_commit_id).where(Bookmark.repo_id == whole_id)
        named = set(session.scalars(targets)) & whole.keys()
    must = {key for key, (*_, is_immutable, is_out) in whole.items() if is_out or not is_immutable}

    assert (must | named) <= part.keys()
    assert part.items() <= whole.items()


def read_commits(sessions: sessionmaker[Session], repo_id: uuid.UUID) -> dict[str, tuple[Any, ...]]:
    with sessions() as session:
        return {
            row.commit_id: (
                row.change_id,
                tuple(row.parents),
                row.is_visible,
                row.is_immutable,
                row.is_working_copy,
            )
            for row in session.scalars(select(ChangeCommit).where(ChangeCommit.repo_id == repo_id))
        }
