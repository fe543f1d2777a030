"""Rows beside what jj itself says; of all fixtures where WIT_JJ_FIXTURES names a folder of them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_demo
from tests.support.jj_fixtures import OTHERS, Fixture, list_fixtures, unpack_fixture
from wit_admin.db.models.jj import Bookmark, Change, ChangeCommit, Conflict, JjOperation
from wit_admin.jj.operations import Timestamp
from wit_admin.services.jj.rows import plain_text
from wit_admin.services.jj.sync import sync_repository

TELLING = (
    "0.17.1/merges",
    "0.29.0/conflicts_kinds",
    "0.35.0/divergent",
    "0.40.0/push_and_fetch",
    "0.40.0/redo",
    "0.45.1/conflicts_stacked",
    "0.45.1/upgraded",
)


@pytest.mark.parametrize("name", list_fixtures() if OTHERS else TELLING)
def test_rows_are_what_jj_says(sessions: sessionmaker[Session], tmp_path: Path, name: str) -> None:
    fixture = unpack_fixture(name, tmp_path)
    with sessions.begin() as session:
        repo_id = make_demo(session)[1]

    sync_repository(sessions, repo_id, fixture.workspace, now=NOW)

    with sessions() as session:
        assert_operations(session, fixture)
        if fixture.oracle["current_op"] is not None:
            assert_commits(session, fixture)
            assert_bookmarks(session, fixture)


def assert_operations(session: Session, fixture: Fixture) -> None:
    rows = {row.operation_id: row for row in session.scalars(select(JjOperation))}
    expected = fixture.oracle.get("expected", {}).get("operations", [])
    undone = {row["id"] for row in expected if row["undone"]}

    assert rows.keys() == {told["id"] for told in fixture.oracle["operations"]}
    for told in fixture.oracle["operations"]:
        row = rows[told["id"]]
        assert (row.parents, row.view_id) == (told["parents"], told["view_id"])
        assert (row.started_at, row.ended_at) == tuple(
            Timestamp(told[name]["ms"], 0).to_utc() for name in ("start", "end")
        )
        names = ("description", "hostname", "username", "is_snapshot")
        assert [getattr(row, name) for name in names] == [told[name] for name in names]
        assert row.tags == told["attributes"]
        assert row.is_undone == (row.operation_id in undone) or not expected


def assert_commits(session: Session, fixture: Fixture) -> None:
    state = fixture.states[fixture.oracle["current_op"]]
    visible = set(state["visible"])
    told = {key: row for key, row in fixture.oracle["commits"].items() if key in visible}
    commits = {row.commit_id: row for row in session.scalars(select(ChangeCommit))}
    changes = {row.change_id: row for row in session.scalars(select(Change))}
    paths: dict[str, list[str]] = defaultdict(list)
    for conflict in session.scalars(select(Conflict)):
        paths[conflict.commit_id].append(conflict.file_path)

    assert {key for key, row in commits.items() if row.is_visible} == visible
    assert {key for key, row in commits.items() if row.is_working_copy} == set(
        state["workspaces"].values()
    )
    if not fixture.oracle["jj_version"].startswith(("0.17", "0.18", "0.19")):
        immutable = {key for key, row in commits.items() if row.is_immutable}
        assert immutable & visible == visible.intersection(state["immutable"])
    assert {key for key, change in changes.items() if change.is_divergent} == {
        told[key]["change_id"] for key in visible.intersection(state["divergent"])
    }
    for key, row in told.items():
        commit = commits[key]
        assert (commit.change_id, commit.parents) == (row["change_id"], row["parents"])
        assert sorted(paths[key]) == sorted(row["conflicted_paths"] or [])
        change = changes[commit.change_id]
        if change.commit_id == key:
            assert change.has_conflicts == row["conflict"]
            assert_texts(change, row)
            # Only jj itself knows how it merges lines; of those that stand here all can be told.
            assert change.is_empty == row["empty"] or (OTHERS and change.is_empty is None)


def assert_texts(change: Change, told: dict[str, Any]) -> None:
    # jj before 0.31 shows a last newline that is not there.
    description = plain_text(told["description"])
    assert change.description in {description, description.removesuffix("\n")}
    author, committer = told["author"], told["committer"]
    assert (change.author_name, change.author_email) == (author["name"], author["email"])
    assert change.authored_at == datetime.fromisoformat(author["time"])
    assert change.committed_at == datetime.fromisoformat(committer["time"])


def assert_bookmarks(session: Session, fixture: Fixture) -> None:
    state = fixture.states[fixture.oracle["current_op"]]
    found: dict[tuple[str, str], Any] = {
        (row.name, row.remote): (row.target_terms, row.is_tracked)
        for row in session.scalars(select(Bookmark))
    }

    assert found == {
        (row["name"], row["remote"] or ""): (row["target"], bool(row["tracked"]))
        for row in state["bookmarks"]
        if row["remote"] != "git"
    }
