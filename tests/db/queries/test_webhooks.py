"""Webhooks, and deliveries that each reach one worker."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import LATER, NOW, make_demo, run_at_once
from wit_admin.db.base import new_id
from wit_admin.db.models.events import DeliveryState
from wit_admin.db.queries import deliveries, webhooks
from wit_admin.db.queries.deliveries import ClaimedDelivery, FailedAttempt
from wit_admin.db.queries.webhooks import NewWebhook
from wit_admin.errors import NotFoundError

LEASE = timedelta(minutes=1)
URL = "https://hooks.example.test/"


def add_webhook(session: Session, repo_id: uuid.UUID, *events: str) -> uuid.UUID:
    new = NewWebhook(new_id(), repo_id, URL, events, secret=b"sealed")
    return webhooks.create_webhook(session, new, now=NOW).id


@pytest.fixture
def repo_id(sessions: sessionmaker[Session]) -> uuid.UUID:
    with sessions.begin() as session:
        return make_demo(session)[1]


def queue(sessions: sessionmaker[Session], repo_id: uuid.UUID, count: int = 1) -> uuid.UUID:
    with sessions.begin() as session:
        webhook_id = add_webhook(session, repo_id, "*")
        for number in range(count):
            payload = {"number": number}
            moment = NOW + timedelta(microseconds=number)
            deliveries.enqueue_deliveries(session, repo_id, "push", payload, now=moment)
    return webhook_id


def claim(
    sessions: sessionmaker[Session], *, minutes: int = 1, limit: int = 20
) -> list[ClaimedDelivery]:
    with sessions.begin() as session:
        moment = NOW + timedelta(minutes=minutes)
        return deliveries.claim_deliveries(session, now=moment, lease=LEASE, limit=limit)


def test_an_event_is_queued_for_each_active_webhook_that_asked(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    with sessions.begin() as session:
        pushes = add_webhook(session, repo_id, "push", "create")
        everything = add_webhook(session, repo_id, "*")
        nothing = [add_webhook(session, repo_id, "pus"), add_webhook(session, repo_id)]
        silent = add_webhook(session, repo_id, "*")
        webhooks.update_webhook(session, silent, is_active=False, now=LATER)
        queued = deliveries.enqueue_deliveries(session, repo_id, "push", {"ref": "ä"}, now=NOW)

    with sessions() as session:
        counts = {
            webhook_id: len(deliveries.list_deliveries(session, webhook_id).items)
            for webhook_id in (pushes, everything, silent, *nothing)
        }
        assert queued == 2
        assert [webhook_id for webhook_id, count in counts.items() if count] == [
            pushes,
            everything,
        ]


def test_a_claim_hands_over_all_that_sending_needs(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    webhook_id = queue(sessions, repo_id)

    (claimed,) = claim(sessions)

    assert (claimed.webhook_id, claimed.event, claimed.payload) == (
        webhook_id,
        "push",
        {"number": 0},
    )
    assert (claimed.url, claimed.secret, claimed.attempts) == (URL, b"sealed", 1)


def test_what_is_claimed_is_not_claimed_again_before_the_lease_ends(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    queue(sessions, repo_id, 3)

    first = claim(sessions, limit=2)
    second = claim(sessions)
    third = claim(sessions)
    after_the_lease = claim(sessions, minutes=2)

    assert [found.payload["number"] for found in first] == [0, 1]
    assert [found.payload["number"] for found in second] == [2]
    assert third == []
    assert [found.attempts for found in after_the_lease] == [2, 2, 2]


def test_workers_at_once_share_the_queue(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    queue(sessions, repo_id, 24)
    taken: list[uuid.UUID] = []
    lock = threading.Lock()

    def work() -> None:
        while found := claim(sessions, limit=2):
            with lock:
                taken.extend(delivery.id for delivery in found)

    raised = run_at_once([work] * 6)

    assert raised == [None] * 6
    assert (len(taken), len(set(taken))) == (24, 24)


def test_a_claim_does_not_wait_for_another_on_postgresql(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    queue(sessions, repo_id, 2)
    with sessions() as session:
        if session.get_bind().dialect.name == "sqlite":
            pytest.skip("SQLite has one writer at a time")

    with sessions.begin() as session:
        first = deliveries.claim_deliveries(session, now=LATER, lease=LEASE, limit=1)
        second = claim(sessions, minutes=60)

    assert {found.payload["number"] for found in (*first, *second)} == {0, 1}


def test_a_delivery_ends_once(sessions: sessionmaker[Session], repo_id: uuid.UUID) -> None:
    webhook_id = queue(sessions, repo_id)
    (claimed,) = claim(sessions)

    with sessions.begin() as session:
        done = deliveries.mark_delivered(session, claimed, response_status=204, now=LATER)
        again = deliveries.mark_delivered(session, claimed, response_status=500, now=LATER)
        (row,) = deliveries.list_deliveries(session, webhook_id).items

    assert (done, again) == (True, False)
    assert (row.state, row.response_status) == (DeliveryState.DELIVERED, 204)
    assert row.finished_at == LATER
    assert claim(sessions, minutes=100) == []


def test_a_failure_is_tried_again_when_it_is_due_or_given_up(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    webhook_id = queue(sessions, repo_id)
    (claimed,) = claim(sessions)

    with sessions.begin() as session:
        attempt = FailedAttempt("It timed out.", retry_at=NOW + timedelta(minutes=10))
        deliveries.mark_failed(session, claimed, attempt, now=NOW)
    too_early = claim(sessions, minutes=9)
    (due,) = claim(sessions, minutes=10)
    with sessions.begin() as session:
        final = FailedAttempt("Gone.", retry_at=None, response_status=410)
        deliveries.mark_failed(session, due, final, now=LATER)
        (row,) = deliveries.list_deliveries(session, webhook_id).items

    assert (too_early, due.attempts) == ([], 2)
    assert (row.state, row.error, row.response_status) == (DeliveryState.FAILED, "Gone.", 410)
    assert row.finished_at == LATER


def test_a_worker_that_comes_too_late_changes_nothing(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    webhook_id = queue(sessions, repo_id)
    (slow,) = claim(sessions)
    (quick,) = claim(sessions, minutes=5)

    with sessions.begin() as session:
        attempt = FailedAttempt("Late.", retry_at=None)
        late = deliveries.mark_failed(session, slow, attempt, now=LATER)
        in_time = deliveries.mark_delivered(session, quick, response_status=200, now=LATER)
        (row,) = deliveries.list_deliveries(session, webhook_id).items

    assert (late, in_time, row.state) == (False, True, DeliveryState.DELIVERED)


def test_deliveries_wait_while_their_webhook_is_inactive(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    webhook_id = queue(sessions, repo_id)
    with sessions.begin() as session:
        webhooks.update_webhook(session, webhook_id, is_active=False, now=NOW)
    waiting = claim(sessions)
    with sessions.begin() as session:
        webhooks.update_webhook(session, webhook_id, is_active=True, now=NOW)

    assert (waiting, len(claim(sessions))) == ([], 1)


def test_a_webhook_is_changed_listed_and_removed(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    webhook_id = queue(sessions, repo_id)
    with sessions.begin() as session:
        webhooks.update_webhook(session, webhook_id, url=URL + "new", events=["push"], now=LATER)

    with sessions.begin() as session:
        (found,) = webhooks.list_webhooks(session, repo_id)
        removed = [webhooks.delete_webhook(session, webhook_id) for _ in range(2)]

    assert (found.url, found.events, found.secret) == (URL + "new", ["push"], b"sealed")
    assert (found.created_at, found.updated_at) == (NOW, LATER)
    assert removed == [True, False]
    assert claim(sessions) == []
    with pytest.raises(NotFoundError), sessions.begin() as session:
        webhooks.update_webhook(session, webhook_id, url=URL, now=LATER)
