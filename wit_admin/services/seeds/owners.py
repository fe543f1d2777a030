"""Makes the described accounts and organizations, unless they are there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy.orm import Session

from wit_admin.db.queries import members, organizations, teams, users
from wit_admin.errors import ConflictError
from wit_admin.services.seeds.site import BEGINNING, OrganizationSeed, Person


def ensure_user(session: Session, person: Person) -> uuid.UUID:
    """Return the id of the described account, making it if need be. It gets no password.

    Raises:
        ConflictError: Its name or its address is somebody else's.
    """
    found = users.find_user_by_name(session, person.username)
    if found is None:
        try:
            return users.create_user(
                session,
                person.username,
                email=person.email,
                full_name=person.full_name,
                bio=person.bio,
                now=BEGINNING,
            ).id
        except ConflictError:
            # Another seeding was quicker, or the name or the address is somebody else's.
            found = users.find_user_by_name(session, person.username)
    if found is None or found.email != person.email:
        raise ConflictError(
            f"The name {person.username} or the address {person.email} is somebody else's.",
            hint="Seed an empty database.",
        )
    return found.id


def ensure_organization(
    session: Session, described: OrganizationSeed, owners: Mapping[str, uuid.UUID]
) -> uuid.UUID:
    """Return the id of the described organization, making it with members and teams if need be.

    Raises:
        ConflictError: Its name is somebody else's.
    """
    founder = owners[described.members[0][0]]
    found = organizations.find_organization_by_name(session, described.name)
    if found is None:
        try:
            return _create_organization(session, described, owners)
        except ConflictError:
            # As above.
            found = organizations.find_organization_by_name(session, described.name)
    if found is None or members.find_role(session, found.id, founder) is None:
        raise ConflictError(
            f"The name {described.name} is somebody else's.", hint="Seed an empty database."
        )
    return found.id


def _create_organization(
    session: Session, described: OrganizationSeed, owners: Mapping[str, uuid.UUID]
) -> uuid.UUID:
    organization = organizations.create_organization(
        session,
        described.name,
        owner_id=owners[described.members[0][0]],
        display_name=described.display_name,
        description=described.description,
        now=BEGINNING,
    )
    for name, role in described.members:
        members.set_member(session, organization.id, owners[name], role, now=BEGINNING)
    for team_seed in described.teams:
        team = teams.create_team(
            session,
            organization.id,
            team_seed.name,
            description=team_seed.description,
            now=BEGINNING,
        )
        for name in team_seed.members:
            teams.add_team_member(session, team.id, owners[name], now=BEGINNING)
    return organization.id
