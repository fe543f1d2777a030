"""Merges two accounts: moves memberships, stars and activity from one to the other."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from wit_admin.db.models.events import Activity
from wit_admin.db.models.issues import Issue, IssueComment
from wit_admin.db.models.organizations import (
    OrgMember,
    OrgRole,
    Permission,
    Team,
    TeamMember,
)
from wit_admin.db.models.pull_requests import PrComment, PrReview, PullRequest
from wit_admin.db.models.pushes import PushEntry
from wit_admin.db.models.repositories import Collaborator, Repository, Star, Watch
from wit_admin.db.models.workspaces import GitOperation
from wit_admin.db.queries import collaborators, members, organizations, protections, stars
from wit_admin.db.queries.owners import lock_owner
from wit_admin.db.statements import insert_new

ACTOR_COLUMNS: tuple[
    InstrumentedAttribute[uuid.UUID] | InstrumentedAttribute[uuid.UUID | None], ...
] = (
    Activity.actor_id,
    PushEntry.actor_id,
    GitOperation.user_id,
    Issue.author_id,
    Issue.assignee_id,
    Issue.closed_by_id,
    IssueComment.user_id,
    PullRequest.author_id,
    PullRequest.merged_by_id,
    PrReview.user_id,
    PrComment.user_id,
)
"""Columns that say who did something."""

_ROLES = tuple(OrgRole)
_PERMISSIONS = tuple(Permission)


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much of an account there is to merge."""

    organizations: int
    collaborations: int
    activities: int


def count_holdings(session: Session, user_id: uuid.UUID) -> Holdings:
    """Return how much a merge would move, besides repositories."""
    counts = (
        session.scalars(
            select(func.count()).select_from(owner.class_).where(owner == user_id)
        ).one()
        for owner in (OrgMember.user_id, Collaborator.user_id, Activity.actor_id)
    )
    return Holdings(*counts)


def move_memberships(
    session: Session, from_id: uuid.UUID, into_id: uuid.UUID, *, now: datetime
) -> None:
    """Move memberships and collaborations to another account; where it has one, the higher stays.

    It is also named in place of the first where that is among those who may push.

    Raises:
        NotFoundError: An account or an organization went away meanwhile.
    """
    # Accounts before organizations: the order in which closing one locks them.
    for user_id in (from_id, into_id):
        lock_owner(session, user_id)
    for row in organizations.list_organizations_of(session, from_id):
        organizations.lock_organization(session, row.id)
        held = members.find_role(session, row.id, into_id)
        role = max(row.role, held or OrgRole.MEMBER, key=_ROLES.index)
        members.set_member(session, row.id, into_id, role, now=now)
        _move_teams(session, row.id, from_id, into_id, now)
        members.remove_member(session, row.id, from_id)
    _move_collaborations(session, from_id, into_id, now)
    protections.move_pusher(session, from_id, into_id)


def move_activity(session: Session, from_id: uuid.UUID, into_id: uuid.UUID) -> None:
    """Attribute all that one account did to another; no ``updated_at`` changes."""
    for column in ACTOR_COLUMNS:
        model = column.class_
        values = {column.key: into_id}
        if "updated_at" in model.__table__.columns:
            values["updated_at"] = model.updated_at
        session.execute(
            update(model)
            .where(column == from_id)
            .values(values)
            .execution_options(synchronize_session=False)
        )


def move_stars(session: Session, from_id: uuid.UUID, into_id: uuid.UUID) -> None:
    """Move stars and watches to another account; what both starred or watched counts once."""
    for mark in (Star, Watch):
        query = select(mark.repo_id, mark.created_at).where(mark.user_id == from_id)
        for repo_id, since in session.execute(query.order_by(mark.repo_id)).all():
            stars.add_mark(session, mark, repo_id, into_id, now=since)
            stars.remove_mark(session, mark, repo_id, from_id)


def _move_teams(
    session: Session,
    org_id: uuid.UUID,
    from_id: uuid.UUID,
    into_id: uuid.UUID,
    now: datetime,
) -> None:
    query = (
        select(TeamMember.team_id)
        .join(Team, Team.id == TeamMember.team_id)
        .where(Team.org_id == org_id, TeamMember.user_id == from_id)
    )
    for team_id in session.scalars(query).all():
        insert_new(session, TeamMember, team_id=team_id, user_id=into_id, created_at=now)


def _move_collaborations(
    session: Session, from_id: uuid.UUID, into_id: uuid.UUID, now: datetime
) -> None:
    held = _permissions_of(session, into_id)
    for repo_id, permission in _permissions_of(session, from_id).items():
        most = max(permission, held.get(repo_id, permission), key=_PERMISSIONS.index)
        collaborators.set_collaborator(session, repo_id, into_id, most, now=now)
        collaborators.remove_collaborator(session, repo_id, from_id)
    # An owner is not a collaborator of their own repository.
    own = select(Repository.id).where(Repository.owner_id == into_id)
    session.execute(
        delete(Collaborator)
        .where(Collaborator.user_id == into_id, Collaborator.repo_id.in_(own))
        .execution_options(synchronize_session=False)
    )


def _permissions_of(session: Session, user_id: uuid.UUID) -> dict[uuid.UUID, Permission]:
    query = select(Collaborator.repo_id, Collaborator.permission)
    rows = session.execute(query.where(Collaborator.user_id == user_id))
    return {repo_id: permission for repo_id, permission in rows}  # noqa: C416  rows are no pairs
