"""Organizations; for their members see :mod:`wit_admin.db.queries.members`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.organizations import Organization, OrgMember, OrgRole, Team
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
from wit_admin.errors import NotFoundError
from wit_admin.names import name_key

_BY_NAME = Order("organizations.name", (Organization.name_key, Organization.id))


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
    """Create an organization with its first owner; ``display_name`` is the name unless given.

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
    """Change the profile of an organization.

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
    """Return the organizations that a user belongs to, by name, without deleted ones."""
    rows = session.execute(
        select(Organization.id, Organization.name, Organization.display_name, OrgMember.role)
        .join(OrgMember, OrgMember.org_id == Organization.id)
        .where(OrgMember.user_id == user_id, Organization.deleted_at.is_(None))
        .order_by(Organization.name_key)
    )
    return [OrganizationRow(*row) for row in rows]


def lock_organization(session: Session, org_id: uuid.UUID) -> None:
    """Lock the list of members of the organization until this transaction ends.

    Raises:
        NotFoundError: There is no such live organization.
    """
    if lock_owner(session, org_id) is not OwnerType.ORGANIZATION:
        raise NotFoundError("There is no such organization.")


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
