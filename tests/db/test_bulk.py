"""Many rows at once are the same rows, on both databases, by either way."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_user
from wit_admin.db.base import new_id
from wit_admin.db.bulk import insert_new_rows, upsert_rows
from wit_admin.db.core import table_of
from wit_admin.db.models.accounts import Owner, OwnerType, User

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
