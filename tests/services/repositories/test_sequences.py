"""Any sequence of what operators and clients do: rows and folders agree, and nothing is lost."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pygit2
import pytest

from tests.support import sync_site
from tests.support.sites import Site
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import repository_lists
from wit_admin.errors import RefusedError
from wit_admin.git.refs.values import read_ref
from wit_admin.names import RepoName
from wit_admin.services.repositories import edits, trash

NAMES = [RepoName(owner, name) for owner in ("alice", "bob") for name in ("a", "b", "c")]
SEEDS = [int(seed) for seed in os.environ.get("WIT_TEST_SEEDS", "0 1 2 3").split()]
AUTHOR = pygit2.Signature("Ann", "ann@example.org", 1_767_225_600, 0)


@dataclass(slots=True)
class Story:
    """What was done, and what must therefore be there."""

    site: Site
    sync_site: sync_site.Site
    chance: random.Random
    tips: dict[uuid.UUID, str | None] = field(default_factory=dict)
    """The last commit of each repository ever made."""

    def step(self) -> None:
        """Do one thing, which may be refused."""
        name, other = self.chance.sample(NAMES, 2)
        site = self.site
        steps: list[Callable[[], object]] = [
            lambda: self.tips.update({site.create(name): None}),
            lambda: site.rename(name, other.name),
            lambda: site.transfer(name, other.owner),
            lambda: trash.delete_repository(site.sessions, site.root, name),
            lambda: trash.restore_repository(site.sessions, site.root, name, as_name=other.name),
            lambda: edits.edit_repository(
                site.sessions, site.root, name, description=f"{self.chance.random()}"
            ),
            lambda: self.push(name),
            lambda: self.push(name),
            self.sync,
        ]
        try:
            self.chance.choice(steps)()
        except RefusedError:
            return

    def push(self, name: RepoName) -> None:
        """Add a commit to whatever repository a client would reach by this name."""
        repo_id = self.site.leads_to(name)
        if repo_id is None:
            return
        bare = pygit2.Repository(str(self.site.folder(name)))
        tip = self.tips[repo_id]
        oid = bare.create_commit(
            "refs/heads/main",
            AUTHOR,
            AUTHOR,
            "change",
            bare.TreeBuilder().write(),
            [tip] if tip else [],
        )
        self.tips[repo_id] = str(oid)

    def sync(self) -> None:
        """Sync; it has nothing to adopt, to move, or to take away."""
        plan = self.sync_site.plan()
        assert set(plan.count()) <= {"refresh", "mark"}, plan
        assert self.sync_site.apply(plan).failures == ()

    def tips_on_disk(self) -> dict[uuid.UUID, str | None]:
        """Return what is there of each repository, in the trash too."""
        with self.site.sessions() as session:
            rows = list(session.query(Repository))
        return {row.id: read_ref(self.site.root / row.disk_path, "refs/heads/main") for row in rows}


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_and_folders_agree_after_any_sequence(site: Site, seed: int) -> None:
    story = Story(site, sync_site.Site(site.sessions, site.root), random.Random(seed))
    site.root.mkdir()

    for _ in range(80):
        story.step()
    story.sync()

    site.assert_whole()
    assert story.tips_on_disk() == story.tips
    with site.sessions() as session:
        live = {row.id for row in repository_lists.list_repositories(session)}
    assert live | {row.id for row in trash.list_trash(site.sessions)} == set(story.tips)
