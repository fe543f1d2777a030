"""Organizations and who belongs to them; each always has an owner."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import OwnerType, User
from wit_admin.db.models.organizations import Organization, OrgMember, OrgRole, Team, TeamMember
from wit_admin.db.paging import (
    EVERYTHING,
    FIRST_PAGE,
    AnySelect,
    Order,
    Page,
    PageRequest,
    Span,
    cut,
    fetch_page,
)
from wit_admin.db.queries.owners import lock_owner, refuse_owned_repositories
from wit_admin.db.statements import insert_new, refuse_duplicates
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.names import name_key

_BY_NAME = Order("organizations.name", (Organization.name_key, Organization.id))
_OTHER = aliased(OrgMember)
_MEMBERS = Order("members.name", (User.name_key, User.id))


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member in a list."""

    user_id: uuid.UUID
    username: str
    role: OrgRole
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """One organization of a user, and the user's role in it."""

    id: uuid.UUID
    name: str
    display_name: str
    role: OrgRole


@dataclass(frozen=True, slots=True)
class OrganizationListRow:
    """One organization in a list."""

    id: uuid.UUID
    name: str
    display_name: str
    members: int


class OrganizationEdit(TypedDict, total=False):
    """What may be changed of an organization."""

    display_name: str
    description: str | None
    avatar_url: str | None
    website: str | None
    location: str | None


def create_organization(
    session: Session,
    name: str,
    *,
    owner_id: uuid.UUID,
    now: datetime,
    **details: Unpack[OrganizationEdit],
) -> Organization:
    """Make an organization with its first owner; ``display_name`` is the name unless given.

    Raises:
        NotFoundError: There is no such account.
        ConflictError: An owner has that name.
    """
    lock_owner(session, owner_id)
    values: OrganizationEdit = {"display_name": name, **details}
    organization = Organization(id=new_id(), name=name, created_at=now, updated_at=now, **values)
    with refuse_duplicates(session, f"The name {name!r} is taken."):
        session.add(organization)
    insert_new(
        session,
        OrgMember,
        org_id=organization.id,
        user_id=owner_id,
        role=OrgRole.OWNER,
        created_at=now,
    )
    return organization


def find_organization(session: Session, org_id: uuid.UUID) -> Organization | None:
    """Return the live organization of that id."""
    return _find(session, Organization.id == org_id)


def find_organization_by_name(session: Session, name: str) -> Organization | None:
    """Return the live organization of that name, in any case."""
    return _find(session, Organization.name_key == name_key(name))


def update_organization(
    session: Session, org_id: uuid.UUID, *, now: datetime, **edit: Unpack[OrganizationEdit]
) -> Organization:
    """Change how an organization presents itself.

    Raises:
        NotFoundError: There is no such organization.
    """
    organization = _get(session, org_id)
    for column, value in edit.items():
        setattr(organization, column, value)
    organization.updated_at = now
    return organization


def delete_organization(session: Session, org_id: uuid.UUID, *, now: datetime) -> None:
    """Hide an organization for good; its name is free again, its teams and memberships end.

    Raises:
        NotFoundError: There is no such organization.
        ConflictError: It owns repositories.
    """
    organization = _get(session, org_id)
    refuse_owned_repositories(session, organization)
    for link in (Team, OrgMember):
        session.execute(delete(link).where(link.org_id == org_id))
    organization.deleted_at = organization.updated_at = now


def set_member(
    session: Session, org_id: uuid.UUID, user_id: uuid.UUID, role: OrgRole, *, now: datetime
) -> None:
    """Make somebody a member in this role, or change a member's role.

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
    """Take somebody out of the organization and its teams; false for who is no member.

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
    """Take somebody out of all organizations.

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
    """Return somebody's role; ``None`` for who is no member."""
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


def search_organizations(
    session: Session, text: str = "", *, at: PageRequest = FIRST_PAGE
) -> Page[OrganizationListRow]:
    """Return a page of live organizations by name, with ``text`` in one of their names."""
    return fetch_page(session, _listing(text), _BY_NAME, at, OrganizationListRow)


def list_organizations(
    session: Session, text: str = "", *, part: Span = EVERYTHING
) -> list[OrganizationListRow]:
    """Return live organizations by name, with ``text`` in one of their names."""
    query = cut(_listing(text), Organization.name_key, part)
    return [OrganizationListRow(*row) for row in session.execute(query)]


def list_organizations_of(session: Session, user_id: uuid.UUID) -> list[OrganizationRow]:
    """Return the live organizations somebody belongs to, by name."""
    rows = session.execute(
        select(Organization.id, Organization.name, Organization.display_name, OrgMember.role)
        .join(OrgMember, OrgMember.org_id == Organization.id)
        .where(OrgMember.user_id == user_id, Organization.deleted_at.is_(None))
        .order_by(Organization.name_key)
    )
    return [OrganizationRow(*row) for row in rows]


def lock_membership(session: Session, org_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Keep the account from being closed too; always in this order, as closing one does.

    Raises:
        NotFoundError: There is no such live account or organization.
    """
    lock_owner(session, user_id)
    lock_organization(session, org_id)


def lock_organization(session: Session, org_id: uuid.UUID) -> None:
    """Let nobody else change who belongs to the organization until this transaction ends.

    Raises:
        NotFoundError: There is no such live organization.
    """
    if lock_owner(session, org_id) is not OwnerType.ORGANIZATION:
        raise NotFoundError("There is no such organization.")


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


def _listing(text: str) -> AnySelect:
    members = select(func.count()).where(OrgMember.org_id == Organization.id).scalar_subquery()
    query = select(Organization.id, Organization.name, Organization.display_name, members).where(
        Organization.deleted_at.is_(None)
    )
    if not text:
        return query
    return query.where(
        or_(
            Organization.name_key.contains(name_key(text), autoescape=True),
            Organization.display_name.icontains(text, autoescape=True),
        )
    )


def _find(session: Session, condition: ColumnElement[bool]) -> Organization | None:
    query = select(Organization).where(condition, Organization.deleted_at.is_(None))
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def _get(session: Session, org_id: uuid.UUID) -> Organization:
    organization = find_organization(session, org_id)
    if organization is None:
        raise NotFoundError("There is no such organization.")
    return organization
