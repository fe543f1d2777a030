"""The audit trail: an unbroken chain, in which every kind of tampering is found."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.events import AuditEvent, AuditHead, AuditOrigin
from wit_admin.db.models.organizations import Permission
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import audit as queries
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.changes import block_user
from wit_admin.services.audit import chain, trail
from wit_admin.services.audit.check import parse_head, verify_trail
from wit_admin.services.audit.trail import Event, Origin
from wit_admin.services.repositories import collaborators, trash
from wit_admin.services.repositories.creation import RepositoryOrder, create_repository
from wit_admin.services.repositories.edits import set_archived, set_visibility
from wit_admin.services.repositories.moves import rename_repository

Sessions = sessionmaker[Session]
WRITERS, EACH = 16, 5
OPERATOR = Origin(AuditOrigin.CLI, os_uid=1000, os_login="olga")


def record(sessions: Sessions, count: int, *, by: Origin = OPERATOR) -> None:
    for number in range(count):
        with sessions.begin() as session:
            event = Event("team.rename", "team", uuid.UUID(int=number), f"team {number}")
            trail.record(session, event, by=by)


def fill(session: Session, count: int) -> None:
    """Write events as ``record`` does, thousands at once."""
    record_one = Event("team.rename", target_name="a", before={"n": 1}, after={"n": 2})
    trail.record(session, record_one, by=OPERATOR)
    (row,) = queries.iterate(session)
    rows = [row]
    for _ in range(count - 1):
        row = row | {"seq": row["seq"] + 1, "previous": row["digest"]}
        row["digest"] = chain.compute_digest(row)
        rows.append(row)
    session.execute(insert(AuditEvent), rows[1:])
    session.execute(update(AuditHead).values(seq=count, digest=row["digest"]))


def sentences(sessions: Sessions) -> list[str]:
    return [finding.sentence for finding in verify_trail(sessions).findings]


def test_empty_trail_is_whole(sessions: Sessions) -> None:
    verdict = verify_trail(sessions)

    assert (verdict.events, verdict.head_seq, verdict.findings) == (0, 0, ())


def test_trail_that_was_computed_anew_lacks_the_end_that_was_kept(sessions: Sessions) -> None:
    record(sessions, 2)
    printed = verify_trail(sessions)
    kept = parse_head(f"{printed.head_seq} {printed.head_digest}\n")
    record(sessions, 1)
    assert verify_trail(sessions, kept).findings == ()
    with sessions.begin() as session:
        session.execute(delete(AuditEvent))
        session.execute(update(AuditHead).values(seq=0, digest=chain.GENESIS.digest))

    record(sessions, 3)

    assert sentences(sessions) == []
    [finding] = verify_trail(sessions, kept).findings
    assert finding.sentence == "Event 2 is not the one that was kept."


@pytest.mark.parametrize("text", ["", "5", "x " + "0" * 64, "0 " + "0" * 64, "5 00"])
def test_kept_end_is_a_number_and_a_digest(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no end of an audit trail"):
        parse_head(text)


def test_events_of_a_time_are_listed(sessions: Sessions) -> None:
    record(sessions, 3)
    third, second, first = trail.list_events(sessions, AuditFilter(), limit=10)

    wanted = AuditFilter(since=second.created_at, until=third.created_at)

    assert first.created_at < second.created_at < third.created_at
    assert trail.list_events(sessions, wanted, limit=10) == [second]


def test_only_changed_fields_are_kept_and_never_a_secret(sessions: Sessions) -> None:
    before = {"name": "a", "size": 1.5, "password": "swordfish"}
    after = {"name": "b\0\udc80", "size": 1.5, "password": "swordfish 2", "nested": {"secret": "x"}}
    with sessions.begin() as session:
        trail.record(session, Event("user.edit", before=before, after=after), by=OPERATOR)

    (row,) = trail.list_events(sessions, AuditFilter(), limit=10)
    assert row.before == {"name": "a"}
    assert row.after == {"name": "b\\x00\\udc80", "nested": {"secret": "(not recorded)"}}
    assert "swordfish" not in str(row)
    assert sentences(sessions) == []


def test_many_writers_at_once_give_an_unbroken_chain(sessions: Sessions) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: record(sessions, EACH), range(WRITERS)))

    verdict = verify_trail(sessions)
    assert (verdict.events, verdict.head_seq, verdict.findings) == (80, 80, ())


def test_change_that_is_rolled_back_leaves_neither_event_nor_gap(sessions: Sessions) -> None:
    record(sessions, 1)
    with sessions.begin() as session:
        trail.record(session, Event("team.delete"), by=OPERATOR)
        session.rollback()

    record(sessions, 1)

    rows = trail.list_events(sessions, AuditFilter(), limit=10)
    assert [(row.seq, row.action) for row in rows] == [(2, "team.rename"), (1, "team.rename")]
    assert sentences(sessions) == []


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit_events SET os_login = 'eve' WHERE seq = 3"], "Event 3 was changed."),
        (["UPDATE audit_events SET os_uid = 0 WHERE seq = 6"], "Event 6 was changed."),
        (["UPDATE audit_events SET after = '{}' WHERE seq = 1"], "Event 1 was changed."),
        (["DELETE FROM audit_events WHERE seq = 3"], "Dropped: 3."),
        (["DELETE FROM audit_events WHERE seq < 3"], "Dropped: 1 to 2."),
        (["DELETE FROM audit_events WHERE seq > 4"], "Dropped at the end: 5 to 6."),
        (["DELETE FROM audit_events"], "Dropped at the end: 1 to 6."),
        (["DELETE FROM audit_head"], "The row that keeps the trail's end is missing."),
        (["UPDATE audit_head SET seq = 5"], "Inserted at the end: 6 to 6."),
        (
            ["UPDATE audit_head SET digest = (SELECT digest FROM audit_events WHERE seq = 2)"],
            "Event 6 is not the one the trail ended with.",
        ),
        (
            [
                "UPDATE audit_events SET seq = 99 WHERE seq = 2",
                "UPDATE audit_events SET seq = 2 WHERE seq = 3",
                "UPDATE audit_events SET seq = 3 WHERE seq = 99",
            ],
            "Event 2 does not follow event 1: inserted or moved.",
        ),
    ],
)
def test_tampering_is_found(sessions: Sessions, statements: list[str], found: str) -> None:
    record(sessions, 6)
    assert sentences(sessions) == []

    with sessions.begin() as session:
        for statement in statements:
            session.execute(text(statement))

    assert found in sentences(sessions)


def test_row_that_is_sealed_anew_breaks_the_next(sessions: Sessions) -> None:
    record(sessions, 3)
    with sessions() as session:
        row = list(queries.iterate(session))[1]
    digest = chain.compute_digest(row | {"action": "team.create"})

    with sessions.begin() as session:
        session.execute(
            text("UPDATE audit_events SET action = 'team.create', digest = :new WHERE seq = 2"),
            {"new": digest},
        )

    assert sentences(sessions) == ["Event 3 does not follow event 2: inserted or moved."]


def test_ten_thousand_events_are_verified_in_a_second_or_so(sessions: Sessions) -> None:
    with sessions.begin() as session:
        fill(session, 10_000)

    started = time.process_time()
    verdict = verify_trail(sessions)

    assert (verdict.events, verdict.findings) == (10_000, ())
    assert time.process_time() - started < 3


def test_events_are_found_by_who_what_and_target(sessions: Sessions) -> None:
    record(sessions, 2)
    with sessions.begin() as session:
        trail.record(session, Event("token.create", target_name="cli"))

    def found(**wanted: str) -> list[int]:
        rows = trail.list_events(sessions, AuditFilter(**wanted), limit=10)  # type: ignore[arg-type]
        return [row.seq for row in rows]

    assert found(actor="olga") == [2, 1]
    assert found(action="token") == found(action="token.create") == [3]
    assert found(target="team 1") == [2]
    assert found(action="tok") == found(actor="eve") == []
    rows = trail.list_events_after(sessions, AuditFilter(), seq=1, limit=10)
    assert [row.seq for row in rows] == [2, 3]


def test_changes_of_repositories_and_accounts_are_told(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    name = RepoName("alice", "demo")
    create_user(sessions, "alice")
    create_user(sessions, "bob")
    order = RepositoryOrder(Visibility.PRIVATE)

    create_repository(sessions, tmp_path, name, order)
    create_repository(sessions, tmp_path, name, replace(order, may_exist=True))
    set_visibility(sessions, tmp_path, name, Visibility.PUBLIC)
    set_archived(sessions, tmp_path, name, archived=True)
    collaborators.add_collaborator(sessions, name, "bob", Permission.WRITE)
    rename_repository(sessions, tmp_path, name, "other")
    trash.delete_repository(sessions, tmp_path, RepoName("alice", "other"))
    trash.restore_repository(sessions, tmp_path, RepoName("alice", "other"))
    block_user(sessions, "bob")

    with sessions() as session:
        told = session.scalars(select(AuditEvent.action).order_by(AuditEvent.seq)).all()
    assert [action for action in told if action != "user.create"] == [
        "repository.create",
        "repository.visibility",
        "repository.archive",
        "collaborator.set",
        "repository.rename",
        "repository.delete",
        "repository.restore",
        "user.block",
    ]
