"""Webhook deliveries: queued, each claimed by one worker, delivered or given up."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.events import DeliveryState, Webhook, WebhookDelivery
from wit_admin.db.paging import FIRST_PAGE, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries.webhooks import ANY_EVENT

_NEWEST = Order(
    "deliveries.newest", (WebhookDelivery.created_at, WebhookDelivery.id), descending=True
)


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that its claimer alone may try until the lease ends."""

    id: uuid.UUID
    webhook_id: uuid.UUID
    event: str
    payload: dict[str, Any]
    attempts: int
    """Including this one; it distinguishes this claim from later ones."""
    url: str
    secret: bytes | None


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """Why a delivery did not succeed, and when to try again; ``None`` gives up."""

    error: str
    retry_at: datetime | None
    response_status: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery in a list."""

    id: uuid.UUID
    event: str
    state: DeliveryState
    attempts: int
    response_status: int | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


def enqueue_deliveries(
    session: Session, repo_id: uuid.UUID, event: str, payload: dict[str, Any], *, now: datetime
) -> int:
    """Queue an event for each active webhook that asked for it; return for how many."""
    active = select(Webhook.id, Webhook.events).where(
        Webhook.repo_id == repo_id, Webhook.is_active.is_(True)
    )
    wanted = [
        webhook_id
        for webhook_id, events in session.execute(active)
        if event in events or ANY_EVENT in events
    ]
    for webhook_id in wanted:
        session.add(
            WebhookDelivery(
                id=new_id(),
                webhook_id=webhook_id,
                event=event,
                payload=payload,
                next_attempt_at=now,
                created_at=now,
            )
        )
    return len(wanted)


def claim_deliveries(
    session: Session, *, now: datetime, lease: timedelta, limit: int = 20
) -> list[ClaimedDelivery]:
    """Take due deliveries, the longest due first, for as long as the lease lasts.

    Of many claimers at once each gets others: PostgreSQL skips the rows that another is just
    claiming, SQLite lets one claim after the other.
    """
    due = (
        select(WebhookDelivery.id)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(
            WebhookDelivery.state == DeliveryState.PENDING,
            WebhookDelivery.next_attempt_at <= now,
            or_(WebhookDelivery.claimed_until.is_(None), WebhookDelivery.claimed_until <= now),
            Webhook.is_active.is_(True),
        )
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=WebhookDelivery)
        # As a CTE it runs once; a plain subquery may run again, and lock more than the limit.
        .cte("due")
    )
    claimed = session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(select(due.c.id)))
        .values(claimed_until=now + lease, attempts=WebhookDelivery.attempts + 1)
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )
    return _load_claimed(session, list(claimed.scalars()))


def mark_delivered(
    session: Session, claimed: ClaimedDelivery, *, response_status: int, now: datetime
) -> bool:
    """Record a success; return false if the lease had ended and another took over."""
    return _settle(
        session,
        claimed,
        state=DeliveryState.DELIVERED,
        response_status=response_status,
        error=None,
        finished_at=now,
    )


def mark_failed(
    session: Session, claimed: ClaimedDelivery, attempt: FailedAttempt, *, now: datetime
) -> bool:
    """Record a failure; return false if the lease had ended and another took over."""
    values: dict[str, Any] = {"next_attempt_at": attempt.retry_at}
    if attempt.retry_at is None:
        values = {"state": DeliveryState.FAILED, "finished_at": now}
    return _settle(
        session,
        claimed,
        error=attempt.error,
        response_status=attempt.response_status,
        **values,
    )


def list_deliveries(
    session: Session, webhook_id: uuid.UUID, *, at: PageRequest = FIRST_PAGE
) -> Page[DeliveryRow]:
    """Return a page of a webhook's deliveries, the newest first."""
    query = select(
        WebhookDelivery.id,
        WebhookDelivery.event,
        WebhookDelivery.state,
        WebhookDelivery.attempts,
        WebhookDelivery.response_status,
        WebhookDelivery.error,
        WebhookDelivery.created_at,
        WebhookDelivery.finished_at,
    ).where(WebhookDelivery.webhook_id == webhook_id)
    return fetch_page(session, query, _NEWEST, at, DeliveryRow)


def _load_claimed(session: Session, ids: Sequence[uuid.UUID]) -> list[ClaimedDelivery]:
    rows = session.execute(
        select(
            WebhookDelivery.id,
            WebhookDelivery.webhook_id,
            WebhookDelivery.event,
            WebhookDelivery.payload,
            WebhookDelivery.attempts,
            Webhook.url,
            Webhook.secret,
        )
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(WebhookDelivery.id.in_(ids))
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
    )
    return [ClaimedDelivery(*row) for row in rows]


def _settle(session: Session, claimed: ClaimedDelivery, **values: Any) -> bool:
    settled = session.scalars(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.id == claimed.id,
            WebhookDelivery.state == DeliveryState.PENDING,
            # Each claim counts up, so that a claimer that comes too late is noticed.
            WebhookDelivery.attempts == claimed.attempts,
        )
        .values(claimed_until=None, **values)
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )
    return settled.one_or_none() is not None
