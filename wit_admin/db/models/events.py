"""What happened: feeds, webhooks and their deliveries, and the audit trail."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, Count, CreatedAt, UpdatedAt, UuidPk

_QUEUED = text("state = 'pending'")


class Activity(Base):
    """One thing somebody did, for feeds."""

    __tablename__ = "activities"
    __table_args__ = (
        # However often a push is settled or replayed, each of its refs is told once.
        UniqueConstraint("push_id", "ref"),
        Index("ix_activities_repo_feed", "repo_id", "created_at", "id"),
        Index("ix_activities_actor_feed", "actor_id", "created_at", "id"),
    )

    id: Mapped[UuidPk]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """``None`` for somebody unknown: an anonymous clone, or an account removed for good."""
    repo_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE")
    )
    type: Mapped[str]
    """``push``, ``clone``, ``create``, ``pr_opened``, …"""
    ref: Mapped[str | None]
    before: Mapped[str | None]
    after: Mapped[str | None]
    payload: Mapped[dict[str, Any] | None]
    push_id: Mapped[uuid.UUID | None]
    """The journal's entry, which may be pruned before this row is."""
    created_at: Mapped[CreatedAt]


class Webhook(Base):
    """An address to tell of events in a repository."""

    __tablename__ = "webhooks"

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str]
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: AES-256-GCM bound to table, column and row."""
    events: Mapped[list[Any]]
    """Types of activity, or ``["*"]``."""
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class DeliveryState(enum.StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(Base):
    """One event on its way to one webhook."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(
            "ix_webhook_deliveries_due",
            "next_attempt_at",
            sqlite_where=_QUEUED,
            postgresql_where=_QUEUED,
        ),
    )

    id: Mapped[UuidPk]
    webhook_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("webhooks.id", ondelete="CASCADE"), index=True
    )
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.PENDING)
    attempts: Mapped[Count]
    next_attempt_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    """A worker holds it until then; afterwards another may take it over."""
    response_status: Mapped[int | None]
    error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]


class AuditEvent(Base):
    """Something an operator may have to explain later; never changed, never cascaded away."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_target", "target_type", "target_id"),)

    id: Mapped[UuidPk]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    """Not a foreign key: the trail outlives the account."""
    actor_name: Mapped[str | None]
    action: Mapped[str]
    """Noun and verb: ``token.create``, ``repository.delete``."""
    target_type: Mapped[str | None]
    target_id: Mapped[uuid.UUID | None]
    target_name: Mapped[str | None]
    details: Mapped[dict[str, Any] | None]
    ip: Mapped[str | None]
    request_id: Mapped[str | None]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
