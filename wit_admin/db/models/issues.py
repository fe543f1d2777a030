"""Issues, their comments, and the labels that issues and pull requests share."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, CreatedAt, UpdatedAt, UuidPk
from wit_admin.names import name_key


class IssueState(enum.StrEnum):
    """Whether an issue still asks for something."""

    OPEN = "open"
    CLOSED = "closed"


class Issue(Base):
    """Something to do or to talk about in a repository."""

    __tablename__ = "issues"
    __table_args__ = (
        UniqueConstraint("repo_id", "number"),
        Index(None, "repo_id", "state", "number"),
    )

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"))
    number: Mapped[int]
    """From the repository's counter, which pull requests share."""
    title: Mapped[str]
    body: Mapped[str | None]
    state: Mapped[IssueState] = mapped_column(default=IssueState.OPEN)
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    assignee_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    deleted_at: Mapped[datetime | None]


class IssueComment(Base):
    """Something said about an issue."""

    __tablename__ = "issue_comments"
    __table_args__ = (Index(None, "issue_id", "created_at"),)

    id: Mapped[UuidPk]
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    body: Mapped[str]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class Label(Base):
    """A word by which issues and pull requests are sorted."""

    __tablename__ = "labels"
    __table_args__ = (UniqueConstraint("repo_id", "name_key"),)

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"))
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(
        default=lambda context: name_key(context.get_current_parameters()["name"])
    )
    color: Mapped[str] = mapped_column(default="888888")
    """Six hex digits, without ``#``."""
    description: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class IssueLabel(Base):
    """A label on an issue."""

    __tablename__ = "issue_labels"

    issue_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("issues.id", ondelete="CASCADE"), primary_key=True
    )
    label_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True, index=True
    )
