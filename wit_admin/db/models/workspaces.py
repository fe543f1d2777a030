"""Workspaces, their sessions and steps, and the git operations in them."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, Count, CreatedAt, UpdatedAt, UuidPk
from wit_admin.db.models.accounts import LIVE
from wit_admin.names import name_key

_RUNNING = text("state = 'running'")


class WorkspaceStatus(enum.StrEnum):
    """How far a workspace has come."""

    PENDING = "pending"
    CREATING = "creating"
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"
    DELETING = "deleting"


class Workspace(Base):
    """A place to work on one repository: a clone here, in a sandbox, or in a container."""

    __tablename__ = "workspaces"
    __table_args__ = (
        Index(
            "uq_workspaces_user_id_name_key_live",
            "user_id",
            "name_key",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index(None, "user_id"),
        Index(None, "status", "expires_at"),
    )

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    repo_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("repositories.id", ondelete="SET NULL"), index=True
    )
    """``None`` for a repository that lives elsewhere."""
    github_repository_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("github_repositories.id", ondelete="SET NULL"), index=True
    )
    github_fork_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("github_forks.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(
        default=lambda context: name_key(context.get_current_parameters()["name"])
    )
    status: Mapped[WorkspaceStatus] = mapped_column(default=WorkspaceStatus.PENDING)
    status_reason: Mapped[str | None]
    provider: Mapped[str]
    """``local``, ``bubblewrap`` or ``docker``."""
    provider_ref: Mapped[str | None]
    """The provider's own name for it: a container id, a process group."""
    image: Mapped[str | None]
    repo_owner: Mapped[str]
    repo_name: Mapped[str]
    repo_url: Mapped[str]
    """Never with credentials in it."""
    repo_branch: Mapped[str | None]
    repo_commit: Mapped[str | None]
    use_ssh_clone: Mapped[bool] = mapped_column(default=False)
    clone_path: Mapped[str | None]
    """Below the workspace root, with forward slashes."""
    fork_created: Mapped[bool] = mapped_column(default=False)
    fork_url: Mapped[str | None]
    ssh_host: Mapped[str | None]
    ssh_port: Mapped[int | None]
    node_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class WorkspaceSession(Base):
    """One worktree of a workspace's clone, for one person or program at a time."""

    __tablename__ = "workspace_sessions"

    id: Mapped[UuidPk]
    workspace_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    worktree_path: Mapped[str] = mapped_column(unique=True)
    """Below the workspace root, with forward slashes."""
    git_branch: Mapped[str | None]
    is_feature_branch: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class StepState(enum.StrEnum):
    """Whether a step or an operation has been done."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class WorkspaceStep(Base):
    """One step of creating or removing a workspace, which can continue there after a crash."""

    __tablename__ = "workspace_steps"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[UuidPk]
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    """``fork``, ``clone``, ``worktree``, ``start``, …"""
    position: Mapped[int]
    state: Mapped[StepState] = mapped_column(default=StepState.PENDING)
    attempts: Mapped[Count]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class GitOperation(Base):
    """A commit, push, pull or the like, done through a workspace session."""

    __tablename__ = "git_operations"
    __table_args__ = (
        Index(None, "session_id", "created_at"),
        Index(
            "ix_git_operations_running",
            "created_at",
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
    )

    id: Mapped[UuidPk]
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("workspace_sessions.id", ondelete="CASCADE")
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    operation_type: Mapped[str]
    """``commit``, ``push``, ``pull``, ``branch``, …"""
    state: Mapped[StepState] = mapped_column(default=StepState.PENDING)
    details: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
