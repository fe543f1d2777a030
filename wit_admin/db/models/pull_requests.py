"""Pull requests, their reviews, comments and labels."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, CreatedAt, UpdatedAt, UuidPk


class PullRequestState(enum.StrEnum):
    """What has become of a pull request."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class ReviewState(enum.StrEnum):
    """What a reviewer says."""

    PENDING = "pending"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"


class DiffSide(enum.StrEnum):
    """The side of a diff that a comment is on."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class PullRequest(Base):
    """A request to merge one branch into another."""

    __tablename__ = "pull_requests"
    __table_args__ = (
        UniqueConstraint("repo_id", "number"),
        Index(None, "repo_id", "state", "number"),
        Index(None, "repo_id", "source_branch"),
    )

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"))
    number: Mapped[int]
    """From the repository's counter, which issues share."""
    title: Mapped[str]
    body: Mapped[str | None]
    state: Mapped[PullRequestState] = mapped_column(default=PullRequestState.OPEN)
    source_branch: Mapped[str]
    target_branch: Mapped[str]
    source_repo_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("repositories.id", ondelete="SET NULL"), index=True
    )
    """The fork that the source branch is in; ``None`` for the same repository or a gone fork."""
    head_sha: Mapped[str]
    base_sha: Mapped[str]
    merge_sha: Mapped[str | None]
    """Set when merged."""
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    is_draft: Mapped[bool] = mapped_column(default=False)
    is_mergeable: Mapped[bool | None]
    """``None`` until it has been tried."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    merged_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    merged_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    deleted_at: Mapped[datetime | None]


class PrReview(Base):
    """A verdict on a pull request as it stood at one commit."""

    __tablename__ = "pr_reviews"

    id: Mapped[UuidPk]
    pr_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("pull_requests.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    state: Mapped[ReviewState]
    body: Mapped[str | None]
    commit_sha: Mapped[str]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class PrComment(Base):
    """Something said about a pull request, or about one line of its diff."""

    __tablename__ = "pr_comments"
    __table_args__ = (Index(None, "pr_id", "created_at"),)

    id: Mapped[UuidPk]
    pr_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pull_requests.id", ondelete="CASCADE"))
    review_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("pr_reviews.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    path: Mapped[str | None]
    line: Mapped[int | None]
    side: Mapped[DiffSide | None]
    commit_sha: Mapped[str | None]
    body: Mapped[str]
    reply_to_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("pr_comments.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class PrLabel(Base):
    """A label on a pull request."""

    __tablename__ = "pr_labels"

    pr_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("pull_requests.id", ondelete="CASCADE"), primary_key=True
    )
    label_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True, index=True
    )
