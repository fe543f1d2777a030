"""Organizations, their members and their teams."""

from __future__ import annotations

import enum
import uuid

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wit_admin.db.base import Base, CreatedAt, UpdatedAt, UuidPk
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.names import name_key


class OrgRole(enum.StrEnum):
    """What a member may do in an organization, weakest first."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class Permission(enum.StrEnum):
    """What a user may do with a repository, weakest first."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Organization(Owner):
    """A name that several people share."""

    __tablename__ = "organizations"
    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy's own attribute
        "polymorphic_identity": OwnerType.ORGANIZATION,
    }

    id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("owners.id", ondelete="CASCADE"), primary_key=True
    )
    display_name: Mapped[str]
    description: Mapped[str | None]
    avatar_url: Mapped[str | None]
    website: Mapped[str | None]
    location: Mapped[str | None]


class OrgMember(Base):
    """A user's role in an organization."""

    __tablename__ = "org_members"

    org_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[OrgRole] = mapped_column(default=OrgRole.MEMBER)
    created_at: Mapped[CreatedAt]


class Team(Base):
    """Members of an organization who share permissions on some repositories."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("org_id", "name_key"),)

    id: Mapped[UuidPk]
    org_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(
        default=lambda context: name_key(context.get_current_parameters()["name"])
    )
    description: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class TeamMember(Base):
    """A user in a team."""

    __tablename__ = "team_members"

    team_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[CreatedAt]


class TeamRepository(Base):
    """What a team may do with a repository."""

    __tablename__ = "team_repositories"

    team_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True
    )
    repo_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    permission: Mapped[Permission] = mapped_column(default=Permission.READ)
    created_at: Mapped[CreatedAt]
