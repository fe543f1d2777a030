"""The push journal: written before git sees a push, settled from git's report."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, CreatedAt, UuidPk

_PENDING = text("state = 'pending'")


class PushState(enum.StrEnum):
    """Whether git's answer to a push has been recorded."""

    PENDING = "pending"
    SETTLED = "settled"


class PushEntry(Base):
    """One push; while it is pending a crash may have swallowed git's report."""

    __tablename__ = "push_journal"
    __table_args__ = (
        Index(
            "ix_push_journal_pending",
            "host",
            "created_at",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
    )

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), index=True
    )
    actor_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    token_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("access_tokens.id", ondelete="SET NULL"), index=True
    )
    host: Mapped[str]
    """The host that took the push: only there can be seen whether its process is alive."""
    server_id: Mapped[str | None]
    """The process that took it; another one that finds it dead settles the push."""
    request_id: Mapped[str | None]
    is_creation: Mapped[bool] = mapped_column(default=False)
    """This push made the repository."""
    commands: Mapped[list[Any]]
    """``[{"ref", "old", "new"}]``, as the client asked."""
    state: Mapped[PushState] = mapped_column(default=PushState.PENDING)
    outcome: Mapped[dict[str, Any] | None]
    """git's report, once settled."""
    created_at: Mapped[CreatedAt]
    settled_at: Mapped[datetime | None]
