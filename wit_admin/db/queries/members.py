"""Members of organizations and their roles; each organization always has an owner."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.models.accounts import User
from wit_admin.db.models.organizations import Organization, OrgMember, OrgRole, Team, TeamMember
from wit_admin.db.paging import FIRST_PAGE, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries.organizations import list_organizations_of, lock_organization
from wit_admin.db.queries.owners import lock_owner
from wit_admin.db.statements import insert_new
from wit_admin.errors import ConflictError

_OTHER = aliased(OrgMember)
_MEMBERS = Order("members.name", (User.name_key, User.id))


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member in a list."""

    user_id: uuid.UUID
    username: str
    role: OrgRole
    created_at: datetime


def set_member(
    session: Session, org_id: uuid.UUID, user_id: uuid.UUID, role: OrgRole, *, now: datetime
) -> None:
    """Add a member with this role, or change the role of a member.

    Raises:
        NotFoundError: There is no such organization or account.
        ConflictError: The organization would be left without an owner.
    """
    lock_membership(session, org_id, user_id)
    if insert_new(session, OrgMember, org_id=org_id, user_id=user_id, role=role, created_at=now):
        return
    if role is not OrgRole.OWNER:
        _keep_an_owner(session, org_id, user_id)
    member = session.get_one(OrgMember, (org_id, user_id), populate_existing=True)
    member.role = role


def remove_member(session: Session, org_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Remove a member from the organization and its teams; return false for others.

    Raises:
        NotFoundError: There is no such organization.
        ConflictError: It is the last owner.
    """
    lock_organization(session, org_id)
    _keep_an_owner(session, org_id, user_id)
    teams = select(Team.id).where(Team.org_id == org_id)
    session.execute(
        delete(TeamMember).where(TeamMember.user_id == user_id, TeamMember.team_id.in_(teams))
    )
    removed = session.execute(
        delete(OrgMember)
        .where(OrgMember.org_id == org_id, OrgMember.user_id == user_id)
        .returning(OrgMember.user_id)
    )
    return removed.first() is not None


def leave_organizations(session: Session, user_id: uuid.UUID) -> None:
    """Remove a user from all organizations.

    Raises:
        ConflictError: One of them would be left without an owner.
    """
    for organization in list_organizations_of(session, user_id):
        remove_member(session, organization.id, user_id)
    # Deleted organizations need no owner.
    session.execute(delete(OrgMember).where(OrgMember.user_id == user_id))


def list_kept_by(session: Session, user_id: uuid.UUID) -> list[str]:
    """Return the names of live organizations that have no other owner, sorted."""
    others = exists().where(
        _OTHER.org_id == OrgMember.org_id,
        _OTHER.role == OrgRole.OWNER,
        _OTHER.user_id != user_id,
    )
    query = (
        select(Organization.name)
        .join(OrgMember, OrgMember.org_id == Organization.id)
        .where(
            OrgMember.user_id == user_id,
            OrgMember.role == OrgRole.OWNER,
            Organization.deleted_at.is_(None),
            ~others,
        )
        .order_by(Organization.name_key)
    )
    return list(session.scalars(query))


def find_role(session: Session, org_id: uuid.UUID, user_id: uuid.UUID) -> OrgRole | None:
    """Return a member's role; ``None`` for others."""
    return session.scalars(
        select(OrgMember.role).where(OrgMember.org_id == org_id, OrgMember.user_id == user_id)
    ).one_or_none()


def list_members(
    session: Session,
    org_id: uuid.UUID,
    *,
    role: OrgRole | None = None,
    at: PageRequest = FIRST_PAGE,
) -> Page[MemberRow]:
    """Return a page of an organization's members by name, of one role if given."""
    query = (
        select(User.id, User.name, OrgMember.role, OrgMember.created_at)
        .join(OrgMember, OrgMember.user_id == User.id)
        .where(OrgMember.org_id == org_id, User.deleted_at.is_(None))
    )
    if role is not None:
        query = query.where(OrgMember.role == role)
    return fetch_page(session, query, _MEMBERS, at, MemberRow)


def lock_membership(session: Session, org_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Lock the account and the organization, always in this order, in which closing locks them too.

    Raises:
        NotFoundError: There is no such live account or organization.
    """
    lock_owner(session, user_id)
    lock_organization(session, org_id)


def _keep_an_owner(session: Session, org_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Refuse to go on if ``user_id`` is the only owner; the organization must be locked."""
    owners = session.scalars(
        select(OrgMember.user_id)
        .where(OrgMember.org_id == org_id, OrgMember.role == OrgRole.OWNER)
        .limit(2)
    ).all()
    if list(owners) == [user_id]:
        raise ConflictError(
            "An organization cannot be without an owner.", hint="Name another owner first."
        )
