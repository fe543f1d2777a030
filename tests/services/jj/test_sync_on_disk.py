"""Rows of jj repositories whose stores were moved, cleaned up or replaced between two syncs."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.jj_rows import sync
from tests.support.jj_writer import JjWriter
from wit_admin.db.models.jj import Change, ChangeCommit, JjOperation


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


def test_git_directory_that_jj_moved_is_found_at_its_new_place(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    """As ``jj git colocation enable`` and ``disable`` do, that make no operation."""
    commits = [writer.commit(description=text) for text in ("one", "two", "three")]
    target, inside, beside = (
        writer.repo / "store/git_target",
        writer.gitdir,
        writer.workspace / ".git",
    )
    head = writer.publish(writer.view(commits[0]))
    sync(sessions, repo_id, writer)
    for old, new, name, commit in (
        (inside, beside, b"../../../.git", commits[1]),
        (beside, inside, b"git", commits[2]),
    ):
        old.rename(new)
        target.write_bytes(name)
        head = writer.publish(writer.view(commit), head)

        result = sync(sessions, repo_id, writer)

        assert not result.is_full
        with sessions() as session:
            visible = select(ChangeCommit.commit_id).where(ChangeCommit.is_visible)
            assert set(session.scalars(visible)) == {commit, "0" * 40}


def test_clean_up_of_what_was_synced_before_is_no_obstacle(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    """As ``jj op abandon`` and ``jj util gc`` leave it: no old operation, and no commit of it."""
    old, new = (writer.commit(description=text) for text in ("old", "new"))
    head = writer.publish(writer.view(old), description="that goes")
    sync(sessions, repo_id, writer)
    view = (writer.repo / "op_store/operations" / head).read_bytes()[2:66].hex()
    writer.publish(writer.view(new), description="that stays")
    writer.operation_file(head).unlink()
    (writer.repo / "op_store/views" / view).unlink()
    (writer.gitdir / "objects" / old[:2] / old[2:]).unlink()

    sync(sessions, repo_id, writer)

    with sessions() as session:
        assert session.scalars(select(JjOperation.description)).all() == ["that stays"]
        assert set(session.scalars(select(Change.description))) == {"new", ""}
