"""What the watcher read from Jujutsu repositories; every key holds the repository."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, Count, CreatedAt, UpdatedAt, UuidPk


def _repo_key() -> Mapped[uuid.UUID]:
    return mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True)


class Change(Base):
    """A change as it is now, described by one of its commits."""

    __tablename__ = "changes"
    __table_args__ = (Index(None, "repo_id", "committed_at"),)

    repo_id: Mapped[uuid.UUID] = _repo_key()
    change_id: Mapped[str] = mapped_column(primary_key=True)
    """In jj's reverse hex, letters k to z, as people see it."""
    commit_id: Mapped[str]
    description: Mapped[str]
    author_name: Mapped[str]
    author_email: Mapped[str]
    authored_at: Mapped[datetime]
    committed_at: Mapped[datetime]
    is_empty: Mapped[bool | None]
    """``None`` where only jj itself could tell: files to merge are very large or missing, or dozens
    of criss-cross merges stand on each other."""
    has_conflicts: Mapped[bool] = mapped_column(default=False)
    is_divergent: Mapped[bool] = mapped_column(default=False)
    """Two or more visible commits carry it."""
    is_hidden: Mapped[bool] = mapped_column(default=False)
    """No visible commit carries it any more."""
    is_immutable: Mapped[bool] = mapped_column(default=False)


class ChangeCommit(Base):
    """One commit that carries, or carried, a change."""

    __tablename__ = "change_commits"
    __table_args__ = (
        ForeignKeyConstraint(
            ["repo_id", "change_id"], ["changes.repo_id", "changes.change_id"], ondelete="CASCADE"
        ),
        Index(None, "repo_id", "change_id"),
    )

    repo_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    commit_id: Mapped[str] = mapped_column(primary_key=True)
    change_id: Mapped[str]
    parents: Mapped[list[Any]]
    """Commit ids, in order."""
    is_visible: Mapped[bool] = mapped_column(default=True)
    is_working_copy: Mapped[bool] = mapped_column(default=False)
    is_immutable: Mapped[bool] = mapped_column(default=False)
    children: Mapped[Count]
    """How many commits with a row have it as a parent; so it is known when the last one goes."""
    visible_children: Mapped[Count]
    immutable_children: Mapped[Count]


class Bookmark(Base):
    """A name for commits, local or on one remote; a conflicted one has several targets."""

    __tablename__ = "bookmarks"
    __table_args__ = (UniqueConstraint("repo_id", "name", "remote"),)

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"))
    name: Mapped[str]
    remote: Mapped[str] = mapped_column(default="")
    """Empty for a local bookmark: null would be unequal to itself in the unique key."""
    target_commit_id: Mapped[str | None]
    """``None`` when it is conflicted or was deleted."""
    target_change_id: Mapped[str | None]
    target_terms: Mapped[list[Any]]
    """All terms of the target as jj keeps them, adds and removes in turn; null is absent."""
    is_conflicted: Mapped[bool] = mapped_column(default=False)
    is_tracked: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[UpdatedAt]


class JjOperation(Base):
    """An entry of the operation log."""

    __tablename__ = "jj_operations"
    __table_args__ = (Index(None, "repo_id", "ended_at"),)

    repo_id: Mapped[uuid.UUID] = _repo_key()
    operation_id: Mapped[str] = mapped_column(primary_key=True)
    parents: Mapped[list[Any]]
    view_id: Mapped[str]
    operation_type: Mapped[str]
    """Derived from the description: ``commit``, ``rebase``, ``undo``, ``snapshot``, …"""
    description: Mapped[str]
    hostname: Mapped[str]
    username: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    is_snapshot: Mapped[bool] = mapped_column(default=False)
    is_undone: Mapped[bool] = mapped_column(default=False)
    """An ancestor of the current head whose effect is no longer part of the state."""
    tags: Mapped[dict[str, Any] | None]


class Conflict(Base):
    """A path that is conflicted in a commit of a change, or was."""

    __tablename__ = "conflicts"
    __table_args__ = (
        UniqueConstraint("repo_id", "change_id", "commit_id", "file_path"),
        ForeignKeyConstraint(
            ["repo_id", "change_id"], ["changes.repo_id", "changes.change_id"], ondelete="CASCADE"
        ),
    )

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID]
    change_id: Mapped[str]
    commit_id: Mapped[str]
    file_path: Mapped[str]
    sides: Mapped[int] = mapped_column(default=2)
    resolved: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]
    resolved_at: Mapped[datetime | None]


class JjSyncState(Base):
    """How far the watcher has read a repository."""

    __tablename__ = "jj_sync_state"

    repo_id: Mapped[uuid.UUID] = _repo_key()
    path: Mapped[str]
    """Where the jj repository is; the watcher's own root is a setting."""
    op_heads: Mapped[list[Any]]
    """Sorted operation ids that were read last; equal sets mean nothing happened."""
    kinds: Mapped[list[Any]]
    """The kinds of rows that describe this state; other kinds describe an older one."""
    depth: Mapped[int | None]
    """How many immutable changes were read at first; ``None`` is all there are."""
    synced_at: Mapped[datetime | None]
    failures: Mapped[Count]
    error: Mapped[str | None]
    """Why the last attempt failed; ``None`` when it did not."""
    next_attempt_at: Mapped[datetime | None]
    """When the watcher tries again; only if there are ``failures``."""
    is_watched: Mapped[bool] = mapped_column(default=True)


class PushedHeads(Base):
    """Up to where the pushed commits of a repository are indexed by change id."""

    __tablename__ = "pushed_heads"

    repo_id: Mapped[uuid.UUID] = _repo_key()
    heads: Mapped[list[Any]]
    """Sorted ids of the commits that branches were at."""
    pushed_at: Mapped[datetime | None]
    """The repository's last push at that time; a later one is yet to be indexed."""
