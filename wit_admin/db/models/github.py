"""What is known of GitHub: installations, cached repositories, and forks made there."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, CreatedAt, UpdatedAt, UuidPk


class GitHubInstallation(Base):
    """A user's consent on GitHub, and the sealed token that came with it."""

    __tablename__ = "github_installations"

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), unique=True
    )
    installation_id: Mapped[int | None] = mapped_column(BigInteger)
    """``None`` when the user signed in through OAuth and no app is installed."""
    github_user_id: Mapped[int] = mapped_column(BigInteger)
    github_username: Mapped[str]
    repo_full_name: Mapped[str | None]
    token: Mapped[bytes] = mapped_column(LargeBinary)
    """Sealed: AES-256-GCM bound to table, column and row."""
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    """Which key sealed the tokens, so that a key still in use is never retired."""
    scopes: Mapped[str] = mapped_column(default="")
    token_expires_at: Mapped[datetime | None]
    """``None`` for a token without an expiry."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class GitHubRepository(Base):
    """A repository that a user can see on GitHub, as it was when last asked."""

    __tablename__ = "github_repositories"
    __table_args__ = (UniqueConstraint("user_id", "github_id"),)

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    github_id: Mapped[int] = mapped_column(BigInteger)
    """GitHub's own number, which stays when the name changes."""
    name: Mapped[str]
    full_name: Mapped[str] = mapped_column(index=True)
    is_private: Mapped[bool]
    can_push: Mapped[bool] = mapped_column(default=False)
    """GitHub's ``permissions.push``; it decides whether a fork is needed."""
    default_branch: Mapped[str | None]
    clone_url: Mapped[str]
    ssh_url: Mapped[str | None]
    updated_at: Mapped[datetime | None]
    """On GitHub."""
    cached_at: Mapped[CreatedAt]


class GitHubFork(Base):
    """A fork made for a user; GitHub may have given it another name than the original's."""

    __tablename__ = "github_forks"
    __table_args__ = (UniqueConstraint("user_id", "original_owner", "original_repo"),)

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    original_owner: Mapped[str]
    original_repo: Mapped[str]
    fork_owner: Mapped[str]
    fork_repo: Mapped[str]
    fork_url: Mapped[str]
    ready_at: Mapped[datetime | None]
    """GitHub answers before the objects are there; ``None`` until they are."""
    created_at: Mapped[CreatedAt]
