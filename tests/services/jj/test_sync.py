"""Rows of jj repositories: what a sync writes, and what it leaves."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import LATER, NOW
from tests.support.jj_rows import KINDS, rows, sync
from tests.support.jj_writer import JjWriter, build
from wit_admin.db.base import Base
from wit_admin.db.models.jj import (
    Bookmark,
    Change,
    ChangeCommit,
    Conflict,
    JjOperation,
    JjSyncState,
)
from wit_admin.db.paging import PageRequest
from wit_admin.db.queries.jj_bookmarks import BookmarkFilter
from wit_admin.db.queries.jj_changes import MAX_DESCRIPTION_CHARACTERS
from wit_admin.errors import MissingJjError
from wit_admin.jj.operations import ROOT_OPERATION
from wit_admin.services.jj.reading import ChangeQuery, list_bookmarks, list_changes
from wit_admin.services.jj.rows import operation_row
from wit_admin.services.jj.sync import JjSyncOptions, JjSyncResult, sync_repository

CHANGE = "kmnopqrstuvwxyzl" * 2


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

    assert len(row["description"]) == MAX_DESCRIPTION_CHARACTERS
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
