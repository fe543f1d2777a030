"""Owners (users and organizations), users, and their credentials."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, synonym

from wit_admin.db.base import Base, CreatedAt, Digest, UpdatedAt, UuidPk
from wit_admin.names import name_key

LIVE = text("deleted_at IS NULL")
"""Unique indexes cover live rows only, so that a deleted name can be taken again."""


class OwnerType(enum.StrEnum):
    """What an owner is."""

    USER = "user"
    ORGANIZATION = "organization"


class Owner(Base):
    """A first path segment: one namespace for people and organizations."""

    __tablename__ = "owners"
    __table_args__ = (
        # Lets repositories refer to (id, kind), so that owner_type cannot disagree.
        UniqueConstraint("id", "kind"),
        Index(
            "uq_owners_name_key_live",
            "name_key",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )
    __mapper_args__ = {"polymorphic_on": "kind"}  # noqa: RUF012 - SQLAlchemy's own attribute

    id: Mapped[UuidPk]
    kind: Mapped[OwnerType]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(
        default=lambda context: name_key(context.get_current_parameters()["name"])
    )
    """The lower-case form, under which the name is unique; a rename must set it too."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    deleted_at: Mapped[datetime | None]


class User(Owner):
    """A person, or a program with an account."""

    __tablename__ = "users"
    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy's own attribute
        "polymorphic_identity": OwnerType.USER,
    }

    id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("owners.id", ondelete="CASCADE"), primary_key=True
    )
    email: Mapped[str | None] = mapped_column(unique=True)
    """Lower case. Set to null when the account is deleted, which frees it for another."""
    full_name: Mapped[str | None]
    bio: Mapped[str | None]
    avatar_url: Mapped[str | None]
    location: Mapped[str | None]
    website: Mapped[str | None]
    password_hash: Mapped[str | None]
    """Argon2id; ``None`` for an account that signs in elsewhere only."""
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_placeholder: Mapped[bool] = mapped_column(default=False)
    """Created by a sync for an owner folder on disk; it cannot be signed in to."""
    blocked_at: Mapped[datetime | None]

    username: Mapped[str] = synonym("name")


class UserSession(Base):
    """One signed-in browser or program; its id is never the bearer's secret."""

    __tablename__ = "sessions"

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    token_digest: Mapped[Digest] = mapped_column(unique=True)
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class OAuthAccount(Base):
    """An account elsewhere that speaks for a user here."""

    __tablename__ = "oauth_accounts"
    __table_args__ = (UniqueConstraint("provider", "provider_account_id"),)

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    provider: Mapped[str]
    """``github``, ``google``, …"""
    provider_account_id: Mapped[str]
    access_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: AES-256-GCM bound to table, column and row."""
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed likewise."""
    scopes: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime | None]
    """``None`` for a token without an expiry."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class AccessToken(Base):
    """A long-lived secret for git and the API, kept as its digest."""

    __tablename__ = "access_tokens"

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    digest: Mapped[Digest] = mapped_column(unique=True)
    hint: Mapped[str]
    """The secret's last four characters, to tell tokens apart in a list."""
    scopes: Mapped[str]
    """Sorted, separated by spaces: ``repo:read repo:write``."""
    ref_pattern: Mapped[str | None]
    """Refs it may push to, as a glob; ``None`` for all."""
    is_limited: Mapped[bool] = mapped_column(default=False)
    """Whether it reaches only the repositories of its :class:`AccessTokenRepository`, if any is
    left; otherwise all that its account does."""
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class AccessTokenRepository(Base):
    """A repository that a limited token may reach."""

    __tablename__ = "access_token_repositories"

    token_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("access_tokens.id", ondelete="CASCADE"), primary_key=True
    )
    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class SshKey(Base):
    """A public key that a user pushes with."""

    __tablename__ = "ssh_keys"

    id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    public_key: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    """As ssh-keygen prints it: ``SHA256:…``"""
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None]
