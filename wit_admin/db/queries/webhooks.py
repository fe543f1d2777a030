"""Webhooks of a repository."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wit_admin.db.models.events import Webhook
from wit_admin.errors import NotFoundError

ANY_EVENT = "*"


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """An address to tell of events. ``id`` comes first: sealing binds the secret to it."""

    id: uuid.UUID
    repo_id: uuid.UUID
    url: str
    events: Sequence[str] = (ANY_EVENT,)
    secret: bytes | None = None
    """Sealed."""


class WebhookEdit(TypedDict, total=False):
    """What may be changed of a webhook."""

    url: str
    events: list[Any]
    secret: bytes | None
    is_active: bool


def create_webhook(session: Session, new: NewWebhook, *, now: datetime) -> Webhook:
    """Create an active webhook."""
    webhook = Webhook(
        id=new.id,
        repo_id=new.repo_id,
        url=new.url,
        events=list(new.events),
        secret=new.secret,
        created_at=now,
        updated_at=now,
    )
    session.add(webhook)
    return webhook


def list_webhooks(session: Session, repo_id: uuid.UUID) -> list[Webhook]:
    """Return a repository's webhooks, oldest first."""
    query = select(Webhook).where(Webhook.repo_id == repo_id)
    return list(session.scalars(query.order_by(Webhook.created_at, Webhook.id)))


def update_webhook(
    session: Session, webhook_id: uuid.UUID, *, now: datetime, **edit: Unpack[WebhookEdit]
) -> Webhook:
    """Change a webhook; while it is not active its deliveries wait.

    Raises:
        NotFoundError: There is no such webhook.
    """
    webhook = session.get(Webhook, webhook_id, populate_existing=True)
    if webhook is None:
        raise NotFoundError("There is no such webhook.")
    for column, value in edit.items():
        setattr(webhook, column, value)
    webhook.updated_at = now
    return webhook


def delete_webhook(session: Session, webhook_id: uuid.UUID) -> bool:
    """Remove a webhook and its deliveries; return false if there was none."""
    statement = delete(Webhook).where(Webhook.id == webhook_id).returning(Webhook.id)
    return session.scalars(statement).one_or_none() is not None
