"""What is new in the rows of a jj repository since the last look."""

from __future__ import annotations

import uuid
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW
from tests.support.jj_writer import JjWriter
from wit_admin.db.queries.jj_operations import OperationFilter
from wit_admin.services.jj.following import FollowedChanges, FollowedOperations
from wit_admin.services.jj.reading import ChangeQuery
from wit_admin.services.jj.sync import sync_repository


def test_followed_log_gives_each_operation_once_and_parents_first(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path
) -> None:
    writer = JjWriter(tmp_path / "repo")
    view = writer.view(writer.commit())
    first = writer.publish(view, description="first")

    def sync() -> None:
        sync_repository(sessions, repo_id, writer.workspace, now=NOW)

    sync()
    followed = FollowedOperations(sessions, repo_id, OperationFilter())
    assert followed.look() == []
    left = writer.operation(view, first, description="left")
    right = writer.operation(view, first, description="right")
    writer.set_heads(left, right)
    sync()
    both = followed.look()
    merged = writer.operation(view, left, right, description="reconcile divergent operations")
    last = writer.publish(view, merged, description="last")
    sync()

    assert [row.operation_id for row in both] == [left, right]
    assert [row.operation_id for row in followed.look()] == [merged, last]
    assert followed.look() == []
    other = writer.publish(view, description="the log begins anew")
    sync()
    assert [row.operation_id for row in followed.look()] == [other]


def test_followed_changes_are_the_new_ones_and_those_that_became_others(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, tmp_path: Path
) -> None:
    writer = JjWriter(tmp_path / "repo")
    change, another = "k" * 32, "l" * 32
    base = writer.commit(change_id="m" * 32)
    old = writer.commit(base, change_id=change, description="old")
    head = writer.publish(writer.view(old))

    def sync() -> None:
        sync_repository(sessions, repo_id, writer.workspace, now=NOW)

    sync()
    followed = FollowedChanges(sessions, repo_id, ChangeQuery())
    assert followed.look() == []
    new = writer.commit(base, change_id=change, description="new")
    added = writer.commit(base, change_id=another)
    head = writer.publish(writer.view(new, added), head)
    sync()
    met = followed.look()
    twin = writer.commit(base, change_id=another, description="twin")
    head = writer.publish(writer.view(new, added, twin), head)
    sync()
    divergent = followed.look()
    writer.publish(writer.view(added, twin), head)
    sync()

    assert [(row.change_id, row.description) for row in met] == [(change, "new"), (another, "")]
    assert [(row.change_id, row.is_divergent) for row in divergent] == [(another, True)]
    assert set(divergent[0].commits) == {added, twin}
    assert followed.look() == []
