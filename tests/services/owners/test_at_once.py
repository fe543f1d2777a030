"""Accounts, organizations, teams and repositories that many change at once: the rows agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import apply_task, run_at_once
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.models.organizations import (
    Organization,
    OrgMember,
    OrgRole,
    Permission,
    Team,
    TeamMember,
    TeamRepository,
)
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.errors import BatchError, RefusedError
from wit_admin.git.repositories import own_config
from wit_admin.names import RepoName, TeamName
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.changes import block_user
from wit_admin.services.accounts.merge import AccountMerge
from wit_admin.services.audit.check import verify_trail
from wit_admin.services.lookups import get_repository_id
from wit_admin.services.organizations import organizations, team_members, team_repositories, teams
from wit_admin.services.organizations.members import remove_member, set_member
from wit_admin.services.organizations.team_removal import TeamRemoval
from wit_admin.services.owners.removal import OwnerRemoval
from wit_admin.services.owners.repositories import Fate
from wit_admin.services.repositories import trash
from wit_admin.services.repositories.collaborators import add_collaborator
from wit_admin.services.repositories.creation import RepositoryOrder, create_repository
from wit_admin.services.repositories.moves import transfer_repository

PEOPLE = ("u0", "u1", "u2", "u3")
ORGS = ("acme", "guild")
ORDER = RepositoryOrder(Visibility.PRIVATE)


@dataclass(frozen=True, slots=True)
class Town:
    """Where people and organizations come and go; ``root`` owns the latter and stays."""

    sessions: sessionmaker[Session]
    root: Path
    run_dir: Path

    def wander(self, seed: int) -> None:
        """Do forty things; what is refused is left."""
        chance = random.Random(seed)
        for _ in range(40):
            try:
                self._step(chance)()
            except (RefusedError, BatchError):
                continue

    def _step(self, chance: random.Random) -> Callable[[], object]:
        sessions, root = self.sessions, self.root
        user, other = chance.sample(PEOPLE, 2)
        org, owner = chance.choice(ORGS), chance.choice((*PEOPLE, *ORGS))
        team = TeamName(org, chance.choice("xy"))
        repo = RepoName(chance.choice((owner, org)), chance.choice("ab"))
        role, permission = chance.choice([*OrgRole]), chance.choice([*Permission])
        often = (
            partial(create_user, sessions, user, may_exist=True),
            partial(organizations.create_organization, sessions, org, owner="root", may_exist=True),
            partial(set_member, sessions, org, user, role),
            partial(teams.create_team, sessions, team, may_exist=True),
            partial(team_members.add_team_member, sessions, team, user),
            partial(team_repositories.grant_team, sessions, team, repo.name, permission),
            partial(add_collaborator, sessions, repo, user, permission),
            partial(create_repository, sessions, root, repo, ORDER),
            partial(self._transfer, repo, chance.choice((*PEOPLE, *ORGS))),
        )
        seldom = (
            partial(remove_member, sessions, org, user),
            partial(self._remove_team, team),
            partial(block_user, sessions, user),
            partial(trash.delete_repository, sessions, root, repo),
            partial(trash.restore_repository, sessions, root, repo, to_owner=other),
            partial(self._merge, user, other),
            partial(self._remove, user, OwnerType.USER, Fate(other)),
            partial(self._remove, org, OwnerType.ORGANIZATION, Fate(user)),
        )
        return chance.choice((*often * 3, *seldom))

    def _transfer(self, repo: RepoName, owner: str) -> None:
        with self.sessions() as session:
            repo_id = get_repository_id(session, repo)
        transfer_repository(self.sessions, self.root, repo_id, owner)

    def _merge(self, name: str, into: str) -> None:
        apply_task(AccountMerge(self.sessions, self.root, name, into).task(self.run_dir))

    def _remove_team(self, team: TeamName) -> None:
        apply_task(TeamRemoval(self.sessions, team).task(self.run_dir))

    def _remove(self, name: str, kind: OwnerType, fate: Fate) -> None:
        apply_task(OwnerRemoval(self.sessions, self.root, name, kind, fate).task(self.run_dir))


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_many_do_at_once_the_rows_agree(
    sessions: sessionmaker[Session], tmp_path: Path, seed: int
) -> None:
    town = Town(sessions, tmp_path / "repos", tmp_path / "run")
    for name in ("root", *PEOPLE):
        create_user(sessions, name)
    for name in ORGS:
        organizations.create_organization(sessions, name, owner="root")

    raised = run_at_once([partial(town.wander, 10 * seed + number) for number in range(4)])

    assert raised == [None] * 4
    with sessions() as session:
        assert_rows_agree(session)
        for row in session.scalars(select(Repository)):
            assert own_config.read_own(town.root / row.disk_path)["id"] == str(row.id)
    assert verify_trail(sessions).findings == ()


def assert_rows_agree(session: Session) -> None:
    """Check what no constraint of the database keeps."""
    gone = select(Owner.id).where(Owner.deleted_at.is_not(None))
    orphans = select(Repository.name).where(
        Repository.deleted_at.is_(None), Repository.owner_id.in_(gone)
    )
    foreign_grants = (
        select(Team.name)
        .join(TeamRepository, TeamRepository.team_id == Team.id)
        .join(Repository, Repository.id == TeamRepository.repo_id)
        .where(Repository.owner_id != Team.org_id)
    )
    strangers = (
        select(Team.name)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .outerjoin(
            OrgMember,
            (OrgMember.org_id == Team.org_id) & (OrgMember.user_id == TeamMember.user_id),
        )
        .where(OrgMember.user_id.is_(None))
    )
    ghosts = select(OrgMember.user_id).where(OrgMember.user_id.in_(gone))
    led = select(OrgMember.org_id).where(OrgMember.role == OrgRole.OWNER)
    ownerless = select(Organization.name).where(
        Organization.deleted_at.is_(None), Organization.id.not_in(led)
    )
    for query in (orphans, foreign_grants, strangers, ghosts, ownerless):
        assert session.scalars(query).all() == [], query
