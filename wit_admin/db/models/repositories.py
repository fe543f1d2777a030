"""Repositories, their collaborators, protected refs, stars, watches and redirects."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql.elements import ColumnElement

from wit_admin.db.base import Base, Count, CreatedAt, Size, UpdatedAt, UuidPk
from wit_admin.db.models.accounts import LIVE, Owner, OwnerType
from wit_admin.db.models.organizations import Permission
from wit_admin.names import name_key


class Visibility(enum.StrEnum):
    """Who may read a repository without being named."""

    PUBLIC = "public"
    PRIVATE = "private"


class ObjectFormat(enum.StrEnum):
    """The hash that names a repository's objects."""

    SHA1 = "sha1"
    SHA256 = "sha256"


_PATH = String().with_variant(String(collation="C"), "postgresql")
"""Sorted as bytes are, which is how the disk is walked."""


class Repository(Base):
    """What the database knows of one bare repository; its objects stay on disk."""

    __tablename__ = "repositories"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id", "owner_type"], ["owners.id", "owners.kind"]),
        Index(
            "uq_repositories_owner_id_name_key_live",
            "owner_id",
            "name_key",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        # The foreign key's index; the partial one above does not cover deleted rows.
        Index(None, "owner_id", "owner_type"),
    )

    id: Mapped[UuidPk]
    owner_id: Mapped[uuid.UUID]
    owner_type: Mapped[OwnerType]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(
        default=lambda context: name_key(context.get_current_parameters()["name"])
    )
    """The lower-case form, under which the name is unique; a rename must set it too."""
    description: Mapped[str | None]
    visibility: Mapped[Visibility] = mapped_column(default=Visibility.PUBLIC)
    is_fork: Mapped[bool] = mapped_column(default=False)
    """Stays true when the original is gone and ``forked_from_id`` with it."""
    forked_from_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("repositories.id", ondelete="SET NULL"), index=True
    )
    default_branch: Mapped[str] = mapped_column(default="main")
    """What HEAD names on disk, without ``refs/heads/``; disk decides, this follows."""
    object_format: Mapped[ObjectFormat] = mapped_column(default=ObjectFormat.SHA1)
    disk_path: Mapped[str] = mapped_column(_PATH, unique=True)
    """Below the repository root, with forward slashes: ``alice/demo.git``."""
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Digest of what sync saw on disk last; while it is equal nothing has changed there."""

    stars_count: Mapped[Count]
    forks_count: Mapped[Count]
    watchers_count: Mapped[Count]
    open_issues_count: Mapped[Count]
    open_prs_count: Mapped[Count]
    next_number: Mapped[int] = mapped_column(default=1)
    """The number that the next issue or pull request takes."""
    size_bytes: Mapped[Size]

    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    pushed_at: Mapped[datetime | None]
    """When git last accepted a ref update; ``None`` until the first push."""
    archived_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    owner: Mapped[Owner] = relationship(
        lazy="raise", primaryjoin=lambda: Repository.owner_id == Owner.id, viewonly=True
    )

    @hybrid_property
    def is_private(self) -> bool:
        """Whether only named people may read it."""
        return self.visibility == Visibility.PRIVATE

    @is_private.inplace.expression
    @classmethod
    def _is_private_sql(cls) -> ColumnElement[bool]:
        return cls.visibility == Visibility.PRIVATE

    @hybrid_property
    def is_archived(self) -> bool:
        """Whether it is kept for reading only."""
        return self.archived_at is not None

    @is_archived.inplace.expression
    @classmethod
    def _is_archived_sql(cls) -> ColumnElement[bool]:
        return cls.archived_at.is_not(None)


class Collaborator(Base):
    """A user named on one repository."""

    __tablename__ = "collaborators"

    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    permission: Mapped[Permission] = mapped_column(default=Permission.READ)
    created_at: Mapped[CreatedAt]


class Star(Base):
    """A user's star on a repository."""

    __tablename__ = "stars"

    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[CreatedAt]


class Watch(Base):
    """A user's wish to hear of a repository."""

    __tablename__ = "watches"

    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[CreatedAt]


class RepositoryRedirect(Base):
    """A name that a repository had before it was renamed or handed over."""

    __tablename__ = "repository_redirects"

    owner_key: Mapped[str] = mapped_column(primary_key=True)
    name_key: Mapped[str] = mapped_column(primary_key=True)
    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[CreatedAt]


class ProtectedRef(Base):
    """Refs of a repository that not every writer may change."""

    __tablename__ = "protected_refs"
    __table_args__ = (UniqueConstraint("repo_id", "pattern"),)

    id: Mapped[UuidPk]
    repo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"))
    pattern: Mapped[str]
    """A glob over full ref names: ``refs/heads/release/*``."""
    push_permission: Mapped[Permission] = mapped_column(default=Permission.WRITE)
    """The least permission that may push to it."""
    allow_force: Mapped[bool] = mapped_column(default=False)
    allow_delete: Mapped[bool] = mapped_column(default=False)
    limits_pushers: Mapped[bool] = mapped_column(default=False)
    """Only the named ones may push; when all of them are gone, no one may."""
    max_blob_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """No larger file may come to be reachable."""
    check_name: Mapped[str | None]
    """A program of the operator's that looks at each push."""
    created_at: Mapped[CreatedAt]


class ProtectedRefUser(Base):
    """A user who may push to protected refs."""

    __tablename__ = "protected_ref_users"

    protected_ref_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("protected_refs.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ProtectedRefTeam(Base):
    """A team whose members may push to protected refs."""

    __tablename__ = "protected_ref_teams"

    protected_ref_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("protected_refs.id", ondelete="CASCADE"), primary_key=True
    )
    team_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class RepositoryRoot(Base):
    """A volume that was synced with this database; a file on it has the id."""

    __tablename__ = "repository_roots"

    id: Mapped[UuidPk]
    created_at: Mapped[CreatedAt]
