"""One connection for many steps: what is read, written and sent without waiting, on both."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_demo
from wit_admin.db.connections import HeldConnection, pipelined
from wit_admin.db.core import table_of
from wit_admin.db.models.jj import JjSyncState

STATES = table_of(JjSyncState)
VALUES = {"path": "x", "op_heads": [], "kinds": [], "failures": 0, "is_watched": True}


def held_on(sessions: sessionmaker[Session]) -> HeldConnection:
    return HeldConnection(sessions.kw["bind"])


def test_steps_share_a_connection_until_it_is_released(sessions: sessionmaker[Session]) -> None:
    taken: list[object] = []
    event.listen(sessions.kw["bind"].pool, "checkout", lambda *_: taken.append(None))
    with held_on(sessions) as held:
        assert taken == []
        with held.reading() as connection:
            connection.execute(select(STATES)).all()
        with held.writing() as connection:
            connection.execute(select(STATES)).all()
        assert len(taken) == 1

        held.release()

        with held.reading() as connection:
            connection.execute(select(STATES)).all()
        assert len(taken) == 2


def test_reading_sees_what_was_committed_meanwhile(sessions: sessionmaker[Session]) -> None:
    with held_on(sessions) as held:
        with held.reading() as connection:
            assert connection.execute(select(STATES.c.path)).all() == []
        with sessions.begin() as session:
            repo_id = make_demo(session)[1]
        with held.writing() as connection:
            connection.execute(insert(STATES), {"repo_id": repo_id, **VALUES})
        with held.reading() as connection:
            assert connection.execute(select(STATES.c.path)).scalars().all() == ["x"]
        with sessions() as session:
            assert session.scalars(select(STATES.c.path)).all() == ["x"]


def test_what_is_written_is_undone_when_an_error_leaves_it(sessions: sessionmaker[Session]) -> None:
    row = _row(sessions)
    with held_on(sessions) as held:

        def write_and_fail() -> None:
            with held.writing() as connection:
                connection.execute(insert(STATES), row)
                raise KeyError

        with pytest.raises(KeyError):
            write_and_fail()

        # And the connection goes on.
        with held.reading() as connection:
            assert connection.execute(select(STATES.c.path)).all() == []


@pytest.mark.parametrize("count", [2, 400])
def test_one_bad_statement_of_a_pipeline_undoes_all_of_them(
    sessions: sessionmaker[Session], count: int
) -> None:
    row = _row(sessions)
    with held_on(sessions) as held:

        def write(count: int) -> None:
            with held.writing() as connection, pipelined(connection):
                for _ in range(count):
                    connection.execute(insert(STATES), row)

        with pytest.raises(IntegrityError):
            write(count)
        write(1)

        with held.reading() as connection:
            assert connection.execute(select(STATES.c.path)).scalars().all() == ["x"]


def _row(sessions: sessionmaker[Session]) -> dict[str, Any]:
    with sessions.begin() as session:
        repo_id = make_demo(session)[1]
    return {"repo_id": repo_id, **VALUES}
