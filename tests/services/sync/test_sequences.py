"""Whatever is done to repositories, in whatever order: disk and database agree, nothing is lost."""

from __future__ import annotations

import os
import random
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.repositories import commit, new_work, oid_of
from tests.support.server import run_git
from tests.support.sync_site import Site, facts
from tests.support.tools import make_tools
from wit_admin.db.models.accounts import Owner, OwnerType
from wit_admin.db.models.repositories import Visibility
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.pushes.commands import PushRequest, RefCommand
from wit_admin.git.pushes.report import PushReport, RefResult
from wit_admin.git.repositories.disk import Disk
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor
from wit_admin.services.access.targets import Creatable, Served
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.organizations.organizations import create_organization
from wit_admin.services.pushes.flow import PushFlow
from wit_admin.services.repositories import trash
from wit_admin.services.repositories.creation import RepositoryOrder, create_repository
from wit_admin.services.repositories.edits import set_archived
from wit_admin.services.repositories.moves import rename_repository, transfer_repository
from wit_admin.services.servers import Enrolment, Servers

OWNERS = ("alice", "bob", "carol")
STEPS = 30
SEEDS = [int(seed) for seed in os.environ.get("WIT_TEST_SEEDS", "3 14").split()]


@dataclass
class World:
    """A site, and what should be so: which repository has which id, name and commit."""

    site: Site
    flow: PushFlow
    owners: dict[str, tuple[uuid.UUID, OwnerType]]
    work: Path
    chance: random.Random
    live: dict[str, str] = field(default_factory=dict)
    """The commit on ``main`` of each repository, or nothing, by its name."""
    trashed: dict[str, str] = field(default_factory=dict)
    ids: dict[str, uuid.UUID] = field(default_factory=dict)
    numbers: int = 0

    def fresh(self) -> RepoName:
        self.numbers += 1
        return RepoName(self.chance.choice(OWNERS), f"r{self.numbers}")

    def some(self, names: dict[str, str]) -> RepoName | None:
        return RepoName.parse(self.chance.choice(sorted(names))) if names else None

    def create(self) -> None:
        name = self.fresh()
        order = RepositoryOrder(self.chance.choice(list(Visibility)), f"It is {name}")
        create_repository(self.site.sessions, self.site.root, name, order)
        self.live[str(name)] = ""

    def push_new(self) -> None:
        """Push to a name that nobody has, as the server does."""
        name = self.fresh()
        owner_id, kind = self.owners[name.owner]
        self.push_to(Creatable(name, Actor(self.owners["alice"][0], "alice"), owner_id, kind), name)

    def push(self) -> None:
        if name := self.some(self.live):
            row = self.site.rows()[str(name)]
            self.push_to(Served(name, self.site.root / row.disk_path, row.id), name)

    def push_to(self, target: Served | Creatable, name: RepoName) -> None:
        oid = oid_of(self.work, f"HEAD~{self.chance.randrange(9)}")
        old = self.live.get(str(name)) or "0" * 40
        command = RefCommand(old, oid, b"refs/heads/main")
        ticket = self.flow.open(target, PushRequest((command,), frozenset(), (), (), False, 0))  # noqa: FBT003  not ours
        run_git(self.work, "push", "-qf", str(ticket.gitdir), f"{oid}:refs/heads/main")
        self.flow.settle(ticket, PushReport(True, "ok", (RefResult(command.ref, True),)))  # noqa: FBT003
        self.live[str(name)] = oid

    def push_past_the_server(self) -> None:
        if name := self.some(self.live):
            oid = oid_of(self.work, f"HEAD~{self.chance.randrange(9)}")
            gitdir = self.site.root / self.site.rows()[str(name)].disk_path
            run_git(self.work, "push", "-qf", str(gitdir), f"{oid}:refs/heads/main")
            self.live[str(name)] = oid

    def rename(self) -> None:
        if old := self.some(self.live):
            new = self.fresh().name
            rename_repository(self.site.sessions, self.site.root, old, new)
            self._moved(str(old), f"{old.owner}/{new}")

    def transfer(self) -> None:
        if old := self.some(self.live):
            owner = self.chance.choice(OWNERS)
            repo_id = self.site.rows()[str(old)].id
            transfer_repository(self.site.sessions, self.site.root, repo_id, owner)
            self._moved(str(old), f"{owner}/{old.name}")

    def archive(self) -> None:
        if name := self.some(self.live):
            archived = self.chance.choice((True, True, False))
            set_archived(self.site.sessions, self.site.root, name, archived=archived)

    def delete(self) -> None:
        if name := self.some(self.live):
            trash.delete_repository(self.site.sessions, self.site.root, name)
            self.trashed[str(name)] = self.live.pop(str(name))

    def restore(self) -> None:
        if name := self.some(self.trashed):
            trash.restore_repository(self.site.sessions, self.site.root, name)
            self.live[str(name)] = self.trashed.pop(str(name))

    def add_by_hand(self) -> None:
        name = self.fresh()
        self.site.add(f"{name}.git")
        self.live[str(name)] = ""
        self.sync()

    def move_by_hand(self) -> None:
        """Move a folder that the database knows by id to a place of a new name."""
        self.sync()
        if name := self.some(self.live):
            new = self.fresh()
            (self.site.root / new.owner).mkdir(exist_ok=True)
            row = self.site.rows()[str(name)]
            (self.site.root / row.disk_path).rename(self.site.root / f"{new}.git")
            is_same_owner = row.disk_path.startswith(f"{new.owner}/")
            self._moved(str(name), f"{name.owner if is_same_owner else new.owner}/{new.name}")
            self.sync()

    def copy_by_hand(self) -> None:
        if name := self.some(self.live):
            copy = self.fresh()
            row = self.site.rows()[str(name)]
            shutil.copytree(self.site.root / row.disk_path, self.site.root / f"{copy}.git")
            self.live[str(copy)] = self.live[str(name)]
            self.sync()

    def lose_database(self) -> None:
        """Forget all rows: the disk alone makes them again."""
        self.sync()
        before = {name: facts(row) for name, row in self.site.rows().items()}
        self.site.forget_everything()
        self.sync()
        assert {name: facts(row) for name, row in self.site.rows().items()} == before
        with self.site.sessions() as session:
            self.owners = {row.name: (row.id, row.kind) for row in session.scalars(select(Owner))}
        for owner in set(OWNERS) - self.owners.keys():
            self.owners[owner] = create_user(self.site.sessions, owner).id, OwnerType.USER

    def sync(self) -> None:
        self.site.sync(part_size=self.chance.choice((2, 5000)))
        self.site.assert_settled()

    def check(self) -> None:
        """Compare what is so with what should be."""
        rows = self.site.rows()
        assert set(rows) == set(self.live)
        assert set(self.site.rows(deleted=True)) == set(self.trashed)
        for name, row in rows.items():
            gitdir = self.site.root / row.disk_path
            assert self.ids.setdefault(name, row.id) == row.id
            assert self.site.own(row.disk_path)["id"] == str(row.id)
            assert (row.pushed_at is not None) == bool(self.live[name])
            if self.live[name]:
                assert oid_of(gitdir, "refs/heads/main") == self.live[name]

    def _moved(self, old: str, new: str) -> None:
        self.live[new] = self.live.pop(old)
        if old in self.ids:
            self.ids[new] = self.ids.pop(old)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with ten commits."""
    folder = new_work(tmp_path_factory.mktemp("work") / "work")
    for number in range(10):
        commit(folder, str(number))
    return folder


@pytest.mark.parametrize("seed", SEEDS)
def test_disk_and_database_agree_after_any_sequence(
    ground: Site, sessions: sessionmaker[Session], work: Path, tmp_path: Path, seed: int
) -> None:
    owners = {name: (create_user(sessions, name).id, OwnerType.USER) for name in OWNERS[:2]}
    carol = create_organization(sessions, "carol", owner="alice")
    owners["carol"] = carol.id, OwnerType.ORGANIZATION
    servers, tools = Servers(tmp_path / "run"), make_tools(tmp_path)
    with servers.enrol() as enrolment:
        flow = PushFlow(
            sessions,
            Disk(
                ground.root,
                Inspector((ground.root,), allows_includes=False),
                Ancestry(tools),
            ),
            visibility=Visibility.PRIVATE,
            enrolment=Enrolment(servers, enrolment.server_id),
        )
        world = World(ground, flow, owners, work, random.Random(seed))
        steps: list[Callable[[], None]] = [
            world.create,
            world.push_new,
            world.push,
            world.push_past_the_server,
            world.rename,
            world.transfer,
            world.archive,
            world.delete,
            world.restore,
            world.add_by_hand,
            world.move_by_hand,
            world.copy_by_hand,
            world.sync,
            world.lose_database,
        ]
        for _ in range(STEPS):
            world.chance.choice(steps)()
        world.sync()
        world.check()
        world.lose_database()
        world.sync()
        world.check()
