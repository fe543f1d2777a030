"""Operations marked as undone: after each sync those that a look at the whole log finds."""

from __future__ import annotations

import random
import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW
from tests.support.jj_writer import JjWriter
from wit_admin.db.models.jj import JjOperation
from wit_admin.jj.ids import ROOT_OPERATION_ID
from wit_admin.jj.repository import open_repository
from wit_admin.services.jj.sync import sync_repository


def sync(sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter) -> set[str]:
    """Sync, and return what is marked."""
    sync_repository(sessions, repo_id, writer.workspace, now=NOW)
    with sessions() as session:
        return set(session.scalars(select(JjOperation.operation_id).where(JjOperation.is_undone)))


def test_undone_operation_counts_again_when_a_concurrent_one_stands_on_it(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    view = writer.view(writer.commit())
    first = writer.operation(view)
    second = writer.operation(view, first)
    undo = writer.publish(view, second, description=f"undo: restore to operation {first}")
    undone_before = sync(sessions, repo_id, writer)
    writer.set_heads(undo, writer.operation(view, second))

    undone_beside = sync(sessions, repo_id, writer)

    assert (undone_before, undone_beside) == ({second}, set())


def test_abandoned_operation_that_comes_back_counts_as_its_undo_says(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    """``op abandon`` on one side, work on the other: then jj reconciles both lines."""
    view = writer.view(writer.commit())
    first = writer.operation(view)
    second = writer.operation(view, first)
    text = f"undo: restore to operation {first}"
    undo = writer.publish(view, second, description=text)
    sync(sessions, repo_id, writer)
    abandoned = writer.publish(view, description=text)
    sync(sessions, repo_id, writer)
    writer.publish(view, abandoned, writer.operation(view, undo))

    marked = sync(sessions, repo_id, writer)

    assert marked == {second} == open_repository(writer.workspace).find_undone()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_marks_are_those_of_the_whole_log_after_each_sync(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter, seed: int
) -> None:
    chance = random.Random(seed)
    views = [writer.view(writer.commit(description=text)) for text in "ab"]
    log = [writer.operation(views[0])]
    for turn in range(25):
        for _ in range(chance.choice([1, 1, 3])):
            target = chance.choice([ROOT_OPERATION_ID, *log[-6:], *log[-3:]])
            text = chance.choice(
                [
                    "new",
                    "undo: restore to operation ",
                    "redo: restore to operation ",
                    "revert operation ",
                ]
            )
            parents = chance.sample(log[-3:], min(len(log), chance.choice([1, 1, 1, 2])))
            told = text if text == "new" else text + target
            log.append(writer.operation(chance.choice(views), *parents, description=told))
        if turn % 8 == 7:
            # Back to the beginning: nearly all of the log goes, and a text names what went.
            log.append(
                writer.operation(views[0], log[0], description=f"revert operation {log[-1]}")
            )
        writer.set_heads(*log[-chance.choice([1, 1, 2]) :])

        marked = sync(sessions, repo_id, writer)

        assert marked == open_repository(writer.workspace).find_undone()
