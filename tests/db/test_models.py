from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session, sessionmaker

from tests.support.rows import MOMENT, TABLES, fill
from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import Owner, OwnerType, User
from wit_admin.db.models.organizations import Organization
from wit_admin.db.models.repositories import Repository, Visibility


def add_user(sessions: sessionmaker[Session], name: str) -> uuid.UUID:
    with sessions.begin() as session:
        user = User(name=name, email=f"{name.lower()}@example.test")
        session.add(user)
    return user.id


def test_every_table_gives_back_what_was_put_in(engine: Engine) -> None:
    with engine.begin() as connection:
        rows = fill(connection)

    with engine.connect() as connection:
        for table in TABLES:
            found = connection.execute(sa.select(table)).mappings().one()
            assert dict(found) == rows[table.name], table.name


def test_every_foreign_key_has_an_index_that_begins_with_it() -> None:
    missing = []
    for table in TABLES:
        leading = [[column.name for column in index.columns] for index in table.indexes]
        leading += [
            [column.name for column in constraint.columns]
            for constraint in table.constraints
            if isinstance(constraint, sa.UniqueConstraint | sa.PrimaryKeyConstraint)
        ]
        for key in table.foreign_key_constraints:
            columns = [column.name for column in key.columns]
            if not any(names[: len(columns)] == columns for names in leading):
                missing.append((table.name, columns))

    assert missing == []


def test_a_user_and_an_organization_cannot_share_a_name(sessions: sessionmaker[Session]) -> None:
    add_user(sessions, "Acme")

    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.add(Organization(name="acme", display_name="Acme"))


def test_a_deleted_owner_frees_its_name(sessions: sessionmaker[Session]) -> None:
    add_user(sessions, "acme")
    with sessions.begin() as session:
        session.execute(sa.update(Owner).values(deleted_at=MOMENT))

    with sessions.begin() as session:
        session.add(Organization(name="acme", display_name="Acme"))

    with sessions() as session:
        kinds = session.scalars(sa.select(Owner.kind).order_by(Owner.kind)).all()
    assert kinds == [OwnerType.ORGANIZATION, OwnerType.USER]


def test_a_repository_cannot_claim_the_wrong_kind_of_owner(
    sessions: sessionmaker[Session],
) -> None:
    owner_id = add_user(sessions, "alice")

    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.add(
            Repository(
                owner_id=owner_id,
                owner_type=OwnerType.ORGANIZATION,
                name="demo",
                disk_path="alice/demo.git",
            )
        )


def test_the_database_refuses_a_value_outside_an_enum(sessions: sessionmaker[Session]) -> None:
    add_user(sessions, "alice")

    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.execute(sa.text("UPDATE owners SET kind = 'robot'"))


def test_is_private_can_be_asked_in_python_and_in_sql(sessions: sessionmaker[Session]) -> None:
    owner_id = add_user(sessions, "alice")
    with sessions.begin() as session:
        for name, visibility in (("open", Visibility.PUBLIC), ("hidden", Visibility.PRIVATE)):
            session.add(
                Repository(
                    owner_id=owner_id,
                    owner_type=OwnerType.USER,
                    name=name,
                    visibility=visibility,
                    disk_path=name,
                )
            )

    with sessions() as session:
        found = session.scalars(sa.select(Repository).where(Repository.is_private)).one()

    assert found.name == "hidden"
    assert found.is_private


def test_moments_come_back_in_utc_and_naive_ones_are_refused(
    sessions: sessionmaker[Session],
) -> None:
    user_id = add_user(sessions, "alice")
    east = datetime(2026, 1, 2, 5, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2)))

    with sessions.begin() as session:
        session.get_one(User, user_id).blocked_at = east
    with sessions() as session:
        kept = session.get_one(User, user_id).blocked_at

    assert kept == MOMENT
    assert kept.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"), sessions.begin() as session:
        session.get_one(User, user_id).blocked_at = datetime(2026, 1, 2)  # noqa: DTZ001 - the point


def test_moments_sort_as_they_happened(sessions: sessionmaker[Session]) -> None:
    steps = [timedelta(0), timedelta(microseconds=1), timedelta(days=-30_000), timedelta(hours=1)]
    with sessions.begin() as session:
        for number, step in enumerate(steps):
            session.add(User(name=f"u{number}", created_at=MOMENT + step))

    with sessions() as session:
        kept = session.scalars(sa.select(User.created_at).order_by(User.created_at)).all()

    assert kept == sorted(MOMENT + step for step in steps)


def test_new_ids_are_ordered_by_time() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(ids)
    assert {value.version for value in ids} == {7}
