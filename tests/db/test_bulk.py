"""Many rows at once are the same rows, on both databases, by either way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, null, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_demo, make_user
from wit_admin.db.base import new_id
from wit_admin.db.bulk import insert_new_rows, upsert_rows
from wit_admin.db.core import table_of
from wit_admin.db.models.accounts import Owner, OwnerType, User
from wit_admin.db.models.jj import JjOperation

COLUMNS = ("id", "kind", "name", "name_key", "created_at", "updated_at")
ODD = "t\\a\tb\n'\"é"


@pytest.mark.parametrize("count", [3, 300])
def test_rows_whose_keys_are_taken_are_left_out(
    sessions: sessionmaker[Session], count: int
) -> None:
    with sessions.begin() as session:
        make_user(session, "name1")
    names = [ODD, *(f"name{number}" for number in range(1, count))]
    rows = [(new_id(), OwnerType.USER, name, name, NOW, NOW) for name in names]

    with sessions.begin() as session:
        made = [insert_new_rows(session, table_of(Owner), COLUMNS, rows) for _ in range(2)]

    assert made == [count - 1, 0]
    with sessions() as session:
        owner = session.scalars(select(Owner).where(Owner.name == ODD)).one()
        assert (owner.id, owner.kind, owner.created_at) == (rows[0][0], OwnerType.USER, NOW)
        assert len(session.scalars(select(Owner.id)).all()) == count


@pytest.mark.parametrize("count", [3, 300])
def test_other_constraints_are_not_passed_over(sessions: sessionmaker[Session], count: int) -> None:
    rows = [(new_id(), False, True) for _ in range(count)]

    with pytest.raises(IntegrityError), sessions.begin() as session:
        insert_new_rows(session, table_of(User), ("id", "is_admin", "is_placeholder"), rows)

    users = [row[:1] for row in rows]
    same = {"is_admin": False, "is_placeholder": True}
    with pytest.raises(IntegrityError), sessions.begin() as session:
        upsert_rows(session, User, ("id",), users, same=same, are_new=True)


@pytest.mark.parametrize("count", [3, 300])
@pytest.mark.parametrize("are_new", [True, False])
def test_values_of_all_kinds_come_back_as_they_went_in(
    sessions: sessionmaker[Session], count: int, are_new: bool
) -> None:
    with sessions.begin() as session:
        repo_id = make_demo(session)[1]
    parents: list[list[str]] = [[], ["ab"], ["ab", ""], [ODD, "\N{SNOWMAN}"]]
    times = [NOW, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    rows = [
        (f"op{number:04}", parents[number % 4], times[number % 3], number % 2 == 0, tags)
        for number, tags in enumerate([None, {ODD: "x"}, {}] * (count // 3))
    ]
    columns = ("operation_id", "parents", "ended_at", "is_snapshot", "tags")
    texts = dict.fromkeys(("view_id", "operation_type", "description", "hostname", "username"), ODD)
    same = {"repo_id": repo_id, "started_at": NOW, "is_undone": False, **texts}

    with sessions.begin() as session:
        upsert_rows(session, JjOperation, columns, rows, same=same, are_new=are_new)

    with sessions() as session:
        found = session.scalars(select(JjOperation).order_by(JjOperation.operation_id)).all()
        assert [tuple(getattr(row, name) for name in columns) for row in found] == rows
        assert {name: getattr(found[-1], name) for name in same} == same
        # And not as JSON's own null.
        untagged = select(func.count()).where(JjOperation.tags.is_(null()))
        assert session.scalar(untagged) == count // 3
