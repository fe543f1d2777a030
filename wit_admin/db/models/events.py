"""Events: activities, webhooks and their deliveries, and the audit trail."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, Count, CreatedAt, Digest, UpdatedAt, UuidPk

_QUEUED = text("state = 'pending'")


class Activity(Base):
    """One thing that a user did, for feeds."""

    __tablename__ = "activities"
    __table_args__ = (
        # However often a push is settled or replayed, each of its refs gets one row.
        UniqueConstraint("push_id", "ref"),
        Index("ix_activities_repo_feed", "repo_id", "created_at", "id"),
        Index("ix_activities_actor_feed", "actor_id", "created_at", "id"),
    )

    id: Mapped[UuidPk]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """``None`` if unknown: an anonymous clone, or an account removed for good."""
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


class AuditOrigin(enum.StrEnum):
    """Through which door a change came."""

    CLI = "cli"
    HTTP = "http"
    SYSTEM = "system"


class AuditEvent(Base):
    """Something an operator may have to explain later; never changed, never cascaded away.

    No foreign keys: the trail outlives the rows it describes.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_target", "target_type", "target_id"),)

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Counts from 1 without gaps."""
    previous: Mapped[Digest]
    """The digest of the event before; 32 zero bytes for the first."""
    digest: Mapped[Digest]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    origin: Mapped[AuditOrigin]
    os_uid: Mapped[int | None] = mapped_column(BigInteger)
    os_login: Mapped[str | None]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    actor_name: Mapped[str | None]
    token_id: Mapped[uuid.UUID | None]
    session_id: Mapped[uuid.UUID | None]
    address: Mapped[str | None]
    request_id: Mapped[str | None]
    action: Mapped[str] = mapped_column(index=True)
    """Noun and verb: ``token.create``, ``repository.delete``."""
    target_type: Mapped[str | None]
    target_id: Mapped[uuid.UUID | None]
    target_name: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
    """Of the fields that changed only; ``None`` for what was made."""
    after: Mapped[dict[str, Any] | None]


class AuditHead(Base):
    """The end of the audit trail, in its one row: events dropped from the end are missed too."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[Digest]
