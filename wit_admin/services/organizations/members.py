"""Members of an organization: added, given another role, removed, listed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.organizations import OrgRole
from wit_admin.db.paging import collect_pages
from wit_admin.db.queries import members as queries
from wit_admin.db.queries.members import MemberRow
from wit_admin.errors import NotFoundError
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_organization, get_user


@dataclass(frozen=True, slots=True)
class MemberResult:
    """A member's role in an organization, and whether this call changed it."""

    organization: str
    username: str
    role: OrgRole
    is_changed: bool


def set_member(
    sessions: sessionmaker[Session],
    organization: str,
    username: str,
    role: OrgRole,
    *,
    by: Origin = SYSTEM,
) -> MemberResult:
    """Add a member with this role, or change the role of a member.

    Raises:
        NotFoundError: There is no such organization or account.
        ConflictError: The organization would be left without an owner.
    """
    with sessions.begin() as session:
        org, user = get_organization(session, organization), get_user(session, username)
        queries.lock_membership(session, org.id, user.id)
        old = queries.find_role(session, org.id, user.id)
        if old is not role:
            queries.set_member(session, org.id, user.id, role, now=utc_now())
            was = None if old is None else {"user": user.name, "role": old}
            is_now = {"user": user.name, "role": role}
            event = Event("member.set", "organization", org.id, org.name, was, is_now)
            record(session, event, by=by)
        return MemberResult(org.name, user.name, role, is_changed=old is not role)


def remove_member(
    sessions: sessionmaker[Session], organization: str, username: str, *, by: Origin = SYSTEM
) -> None:
    """Remove a member from an organization and all its teams.

    Raises:
        NotFoundError: There is no such organization or account, or it is no member.
        ConflictError: It is the last owner.
    """
    with sessions.begin() as session:
        org, user = get_organization(session, organization), get_user(session, username)
        role = queries.find_role(session, org.id, user.id)
        if not queries.remove_member(session, org.id, user.id):
            raise NotFoundError(
                f"{user.name} is not a member of {org.name}.",
                hint=f"See 'wit-admin org member list {org.name}'.",
            )
        taken = {"user": user.name, "role": role}
        event = Event("member.remove", "organization", org.id, org.name, before=taken)
        record(session, event, by=by)


def list_members(
    sessions: sessionmaker[Session], organization: str, *, role: OrgRole | None = None
) -> list[MemberRow]:
    """Return an organization's members by name, of one role if given.

    Raises:
        NotFoundError: There is no such organization.
    """
    with sessions() as session:
        return collect_members(session, get_organization(session, organization).id, role)


def collect_members(
    session: Session, org_id: uuid.UUID, role: OrgRole | None = None
) -> list[MemberRow]:
    """Return an organization's members by name, of one role if given."""
    page = collect_pages(lambda at: queries.list_members(session, org_id, role=role, at=at))
    return list(page.items)
