"""Organizations: created, claimed, shown, edited; not their members."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.organizations import Organization, OrgRole
from wit_admin.db.paging import EVERYTHING, Span
from wit_admin.db.queries import claims, teams
from wit_admin.db.queries import organizations as queries
from wit_admin.db.queries.organizations import (
    OrganizationEdit,
    OrganizationListRow,
)
from wit_admin.db.queries.repository_lists import list_owned
from wit_admin.errors import ConflictError
from wit_admin.names import check_owner_name
from wit_admin.services.accounts.profiles import check_profile
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_account, get_organization, get_user
from wit_admin.services.organizations.members import collect_members
from wit_admin.services.owners.repositories import tell_owner


@dataclass(frozen=True, slots=True)
class OrganizationResult:
    """An organization, and whether this call created it."""

    id: uuid.UUID
    name: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class OrganizationDetails:
    """What an operator wants to know of one organization."""

    id: uuid.UUID
    name: str
    display_name: str
    description: str | None
    website: str | None
    location: str | None
    avatar_url: str | None
    created_at: datetime
    owners: tuple[str, ...]
    members: int
    """The number of members, owners included."""
    teams: int
    repositories: int


def create_organization(
    sessions: sessionmaker[Session],
    name: str,
    *,
    owner: str,
    may_exist: bool = False,
    by: Origin = SYSTEM,
    **details: Unpack[OrganizationEdit],
) -> OrganizationResult:
    """Create an organization with its first owner.

    With ``may_exist`` an existing one is returned unchanged, whoever owns it.

    Raises:
        InvalidInputError: The name or a detail cannot be used.
        NotFoundError: There is no such account.
        ConflictError: The name is taken, or the account is a placeholder.
    """
    check_owner_name(name)
    check_profile(details)
    try:
        with sessions.begin() as session:
            user = get_account(session, owner)
            made = queries.create_organization(
                session, name, owner_id=user.id, now=utc_now(), **details
            )
            told = {"owner": user.name, "display_name": made.display_name}
            event = Event("organization.create", "organization", made.id, name, after=told)
            record(session, event, by=by)
            return OrganizationResult(made.id, made.name, is_new=True)
    except ConflictError:
        with sessions() as session:
            found = queries.find_organization_by_name(session, name)
        if found is None or not may_exist:
            raise
        return OrganizationResult(found.id, found.name, is_new=False)


def claim_organization(
    sessions: sessionmaker[Session], root: Path, name: str, *, owner: str, by: Origin = SYSTEM
) -> OrganizationDetails:
    """Turn a placeholder into an organization, which keeps its repositories.

    Raises:
        NotFoundError: There is no such placeholder, or no such account to be its first owner.
        ConflictError: It is an account already, or the other is a placeholder.
    """
    with sessions() as session:
        placeholder, first = get_user(session, name), get_account(session, owner)
        owned = list_owned(session, placeholder.id) if placeholder.is_placeholder else []
    tell_owner(root, owned, placeholder.name, OwnerType.ORGANIZATION)
    with sessions.begin() as session:
        made = claims.claim_organization(
            session, placeholder.id, placeholder.name, owner_id=first.id, now=utc_now()
        )
        if made is None:
            raise ConflictError(f"{placeholder.name} is an account, not a placeholder.")
        details = _details(session, made)
        told = {"owner": first.name, "repositories": details.repositories}
        event = Event("organization.claim", "organization", made.id, made.name, after=told)
        record(session, event, by=by)
        return details


def list_organizations(
    sessions: sessionmaker[Session], text: str = "", *, part: Span = EVERYTHING
) -> list[OrganizationListRow]:
    """Return organizations by name, with ``text`` in one of their names."""
    with sessions() as session:
        return queries.list_organizations(session, text, part=part)


def show_organization(sessions: sessionmaker[Session], name: str) -> OrganizationDetails:
    """Return one organization.

    Raises:
        NotFoundError: There is no such organization.
    """
    with sessions() as session:
        return _details(session, get_organization(session, name))


def edit_organization(
    sessions: sessionmaker[Session],
    name: str,
    *,
    by: Origin = SYSTEM,
    **edit: Unpack[OrganizationEdit],
) -> OrganizationDetails:
    """Edit the profile of an organization.

    Raises:
        InvalidInputError: A detail cannot be used.
        NotFoundError: There is no such organization.
    """
    check_profile(edit)
    with sessions.begin() as session:
        found = get_organization(session, name)
        was = {field: getattr(found, field) for field in edit}
        if was == edit:
            return _details(session, found)
        queries.update_organization(session, found.id, now=utc_now(), **edit)
        details = _details(session, found)
        event = Event("organization.edit", "organization", found.id, found.name, was, edit)
        record(session, event, by=by)
        return details


def _details(session: Session, found: Organization) -> OrganizationDetails:
    belonging = collect_members(session, found.id)
    return OrganizationDetails(
        id=found.id,
        name=found.name,
        display_name=found.display_name,
        description=found.description,
        website=found.website,
        location=found.location,
        avatar_url=found.avatar_url,
        created_at=found.created_at,
        owners=tuple(row.username for row in belonging if row.role is OrgRole.OWNER),
        members=len(belonging),
        teams=len(teams.list_teams(session, found.id)),
        repositories=sum(row.is_live for row in list_owned(session, found.id)),
    )
