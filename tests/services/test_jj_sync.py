"""Rows of jj repositories: after any sequence of syncs the same as after one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import LATER, NOW, make_repository
from tests.support.jj_fixtures import Fixture, unpack_fixture
from tests.support.jj_writer import JjWriter, build
from tests.support.killing import killed_at
from wit_admin.db.base import Base
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.jj import (
    Bookmark,
    Change,
    ChangeCommit,
    Conflict,
    JjOperation,
    JjSyncState,
)
from wit_admin.db.models.repositories import Repository
from wit_admin.db.paging import PageRequest
from wit_admin.db.queries import jj_state
from wit_admin.db.queries.jj_bookmarks import BookmarkFilter
from wit_admin.db.queries.jj_changes import MOST_DESCRIPTION
from wit_admin.errors import MissingJjError
from wit_admin.jj.change_ids import encode_change_id
from wit_admin.jj.operations import ROOT_OPERATION
from wit_admin.jj.repository import open_repository
from wit_admin.services.jj_reading import ChangeQuery, list_bookmarks, list_changes
from wit_admin.services.jj_rows import operation_row
from wit_admin.services.jj_sync import JjSyncOptions, JjSyncResult, sync_repository

KINDS: tuple[type[Base], ...] = (Change, ChangeCommit, Bookmark, JjOperation)
CHANGE = "kmnopqrstuvwxyzl" * 2
NOT_COMPARED = {"id", "repo_id", "updated_at", "created_at"}


def rows(sessions: sessionmaker[Session], repo_id: uuid.UUID, model: type[Base]) -> list[Any]:
    table = model.__table__
    columns = [column for column in table.columns if column.name not in NOT_COMPARED]
    with sessions() as session:
        found = session.execute(select(*columns).where(table.c.repo_id == repo_id))
        return sorted((tuple(row) for row in found), key=repr)


def sync(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter | Fixture
) -> JjSyncResult:
    return sync_repository(sessions, repo_id, writer.workspace, now=NOW)


def test_first_sync_writes_what_the_repository_holds(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    commit = writer.commit(change_id=CHANGE, description="first\0\n")
    view = writer.view(commit, bookmarks={"main": commit}, working_copies={"default": commit})
    args = {"args": "jj git clone https://ann:secret@example.org/x"}
    writer.publish(view, description="new empty commit", attributes=args)

    result = sync(sessions, repo_id, writer)

    assert result.is_full
    assert (result.operations, result.changes, result.bookmarks) == (1, 2, 1)
    with sessions() as session:
        change = session.scalars(select(Change).where(Change.change_id == CHANGE)).one()
        assert change.description == "first\N{SYMBOL FOR NULL}\n"
        assert (change.is_empty, change.is_hidden, change.is_divergent) == (True, False, False)
        carried = session.scalars(select(ChangeCommit).where(ChangeCommit.commit_id == commit))
        assert carried.one().is_working_copy
        bookmark = session.scalars(select(Bookmark)).one()
        assert (bookmark.target_change_id, bookmark.is_default) == (CHANGE, True)
        operation = session.scalars(select(JjOperation)).one()
        assert operation.operation_type == "new"
        assert "secret" not in repr(operation.tags)


def test_sync_without_anything_new_writes_nothing(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    writer.publish(writer.view(writer.commit()))
    sync(sessions, repo_id, writer)

    result = sync_repository(sessions, repo_id, writer.workspace, now=LATER)

    assert result == JjSyncResult()
    with sessions() as session:
        assert session.scalars(select(JjSyncState.synced_at)).one() == NOW


def test_second_sync_reads_only_what_is_new(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    old = writer.commit(description="old")
    for _ in range(20):
        old = writer.commit(old)
    first = writer.operation(writer.view(old))
    head = writer.publish(writer.view(old), first)
    sync(sessions, repo_id, writer)
    writer.operation_file(first).unlink()
    writer.publish(writer.view(writer.commit(old, description="new")), head)

    result = sync(sessions, repo_id, writer)

    assert result == JjSyncResult(operations=1, changes=1)


def test_failing_sync_leaves_the_rows_as_they_were(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    head = writer.publish(writer.view(writer.commit()))
    sync(sessions, repo_id, writer)
    before = [rows(sessions, repo_id, kind) for kind in KINDS]
    lost = writer.commit("aa" * 20)
    writer.publish(writer.view(lost), head)

    with pytest.raises(MissingJjError):
        sync(sessions, repo_id, writer)

    assert [rows(sessions, repo_id, kind) for kind in KINDS] == before


def test_names_that_no_index_holds_are_kept_shortened(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    # No two parts alike, so that compression does not make them fit.
    letters = random.Random(5).choices("abcdefghijklmnopqrstuvwxyz0123456789\N{SNOWMAN}", k=5000)
    long, other = "".join(letters), "".join([*letters[:-1], "!"])
    trees = [writer.tree({long: text}) for text in ("left", "base", "right")]
    commit = writer.commit(change_id=CHANGE, headers=[f"jj:trees {' '.join(trees)}"])
    names = {long: commit, other: commit, "main": commit}
    head = writer.publish(writer.view(commit, bookmarks=names, origin=names))
    sync(sessions, repo_id, writer)
    at = PageRequest(10)

    listed = list_bookmarks(sessions, repo_id, BookmarkFilter(remote=""), at).items
    named = list_changes(sessions, repo_id, ChangeQuery(bookmark=f"{long}@origin"), at).items
    writer.publish(writer.view(commit, bookmarks={"main": commit, other: commit}), head)
    sync(sessions, repo_id, writer)
    left = list_bookmarks(sessions, repo_id, BookmarkFilter(), at).items

    assert len({row.name for row in listed}) == 3
    assert max(len(row.name.encode()) for row in listed) < 1300
    assert [row.change_id for row in named][:1] == [CHANGE]
    assert len(left) == 2
    with sessions() as session:
        assert long.startswith(session.scalars(select(Conflict.file_path)).one()[:100])


def test_remote_without_a_name_does_not_pass_for_no_remote(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    local, other = (writer.commit(description=text) for text in ("local", "other"))
    view = build("View")
    view.ParseFromString(
        (
            writer.repo / "op_store/views" / writer.view(local, bookmarks={"main": local})
        ).read_bytes()
    )
    for remote in ("", "up stream/\N{SNOWMAN}@x"):
        seen = view.remote_views.add(name=remote)
        seen.bookmarks.add(name="main").target_terms.add(value=bytes.fromhex(other))
    writer.publish(writer.write_view(view))

    sync(sessions, repo_id, writer)

    with sessions() as session:
        found = session.execute(select(Bookmark.remote, Bookmark.target_commit_id)).all()
        assert sorted(map(tuple, found)) == [("", local), ("up stream/\N{SNOWMAN}@x", other)]


def test_operation_that_is_told_with_millions_of_letters_is_cut() -> None:
    # Each letter could begin the scheme of an address.
    told = "https://ann:secret@example.org " + "a." * 500_000
    operation = replace(ROOT_OPERATION, description=told, attributes={"args": told})
    started = time.process_time()

    row = operation_row(uuid.uuid4(), operation, is_undone=False)

    assert len(row["description"]) == MOST_DESCRIPTION
    assert "secret" not in repr(row)
    assert time.process_time() - started < 10


def test_conflict_that_went_away_is_marked_resolved(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    trees = [writer.tree({"f": text, "g": text}) for text in ("left", "base", "right")]
    terms = [f"jj:trees {' '.join(trees)}"]
    both = writer.commit(change_id=CHANGE, headers=terms)
    head = writer.publish(writer.view(both))
    sync(sessions, repo_id, writer)
    halves = [writer.tree({"f": text, "g": "done"}) for text in ("left", "base", "right")]
    half = writer.commit(change_id=CHANGE, headers=[f"jj:trees {' '.join(halves)}"])
    head = writer.publish(writer.view(half), head)
    sync_repository(sessions, repo_id, writer.workspace, now=LATER)

    with sessions() as session:
        found = {row.file_path: row for row in session.scalars(select(Conflict))}
        assert (found["f"].resolved, found["f"].commit_id) == (False, half)
        assert (found["g"].resolved, found["g"].resolved_at) == (True, LATER)


def test_last_conflict_of_a_change_is_resolved_and_comes_back(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    trees = [writer.tree({"f": text}) for text in ("left", "base", "right")]
    conflicted = writer.commit(change_id=CHANGE, headers=[f"jj:trees {' '.join(trees)}"])
    solved = writer.commit(change_id=CHANGE, tree=trees[0])
    head, found = None, []
    for commit in (conflicted, solved, conflicted):
        head = writer.publish(writer.view(commit), *([head] if head else []))
        sync_repository(sessions, repo_id, writer.workspace, now=LATER)
        with sessions() as session:
            row = session.scalars(select(Conflict)).one()
            found.append((row.resolved, row.resolved_at))

    assert found == [(False, None), (True, LATER), (False, None)]


def test_repository_replaced_by_another_is_followed(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path
) -> None:
    one, other = JjWriter(tmp_path / "repo"), JjWriter(tmp_path / "other")
    one.publish(one.view(one.commit(description="one")))
    sync(sessions, repo_id, one)
    other.publish(other.view(other.commit(description="other")), description="another")
    shutil.rmtree(one.workspace)
    other.workspace.rename(one.workspace)

    result = sync(sessions, repo_id, one)

    assert result.is_full
    with sessions() as session:
        assert set(session.scalars(select(Change.description))) == {"other", ""}
        assert session.scalars(select(JjOperation.description)).all() == ["another"]


@pytest.mark.parametrize("model", [Change, Bookmark, JjOperation, Conflict])
def test_kind_that_is_left_out_is_caught_up_with_later(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter, model: type[Base]
) -> None:
    trees = [writer.tree({"f": text}) for text in ("left", "base", "right")]
    commit = writer.commit(headers=[f"jj:trees {' '.join(trees)}"])
    writer.publish(writer.view(commit, bookmarks={"main": commit}))
    kind = model.__table__.name.removeprefix("jj_")  # type: ignore[attr-defined]
    without = JjSyncOptions(**{f"sync_{kind}": False})

    for _ in range(2):
        sync_repository(sessions, repo_id, writer.workspace, now=NOW, options=without)
    was_left_out = not rows(sessions, repo_id, model)
    sync(sessions, repo_id, writer)

    assert was_left_out
    assert rows(sessions, repo_id, model)
    assert sync(sessions, repo_id, writer) == JjSyncResult()


def go_to(fixture: Fixture, step: int) -> list[str]:
    """Put the operation heads of a step in place, and return them."""
    heads: list[str] = fixture.oracle["steps"][step]["op_heads"]
    folder = fixture.workspace / ".jj/repo/op_heads/heads"
    for head in heads:
        (folder / head).touch()
    for path in folder.iterdir():
        if path.name not in heads:
            path.unlink()
    return heads


def state(sessions: sessionmaker[Session], repo_id: uuid.UUID) -> list[list[Any]]:
    """Return all rows but those of resolved conflicts, which only who was there can know of."""
    place = list(Conflict.__table__.columns.keys()).index("resolved") - len(
        NOT_COMPARED & set(Conflict.__table__.columns.keys())
    )
    conflicts = [row for row in rows(sessions, repo_id, Conflict) if not row[place]]
    return [conflicts, *(rows(sessions, repo_id, kind) for kind in KINDS)]


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
