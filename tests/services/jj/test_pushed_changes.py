"""Change ids of pushed commits: found once, however often and by however many."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_repository, make_user, run_at_once
from tests.support.jj_writer import JjWriter
from tests.support.killing import killed_at
from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.jj import Change, ChangeCommit, PushedHeads
from wit_admin.db.models.repositories import Repository
from wit_admin.db.paging import PageRequest
from wit_admin.db.queries import jj_commits
from wit_admin.db.queries.jj_changes import MAX_DESCRIPTION_CHARACTERS
from wit_admin.db.queries.jj_operations import OperationFilter
from wit_admin.errors import DamagedJjError, JjError, NotFoundError
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.repositories.disk import Disk
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.services.jj.evolution import read_evolution
from wit_admin.services.jj.following import FollowedChanges
from wit_admin.services.jj.pushed_changes import (
    MAX_COMMITS,
    MAX_VERSIONS,
    index_pushed,
    list_due,
)
from wit_admin.services.jj.reading import ChangeQuery, list_changes, list_operations
from wit_admin.services.jj.rows import commit_rows
from wit_admin.services.jj.standing import Standing
from wit_admin.services.jj.sync import sync_repository

CHANGE = "kmnopqrstuvwxyzl" * 2
OTHER = "lzyxwvutsrqponmk" * 2


@dataclass(frozen=True, slots=True)
class Site:
    """A bare repository and its row; a jj writer makes its commits."""

    sessions: sessionmaker[Session]
    root: Path
    repo_id: uuid.UUID
    writer: JjWriter
    disk: Disk

    def push(self, **branches: str) -> None:
        """Make these the branches, as pushes would."""
        for name in run_git(self.gitdir, "for-each-ref", "--format=%(refname)").stdout.split():
            run_git(self.gitdir, "update-ref", "-d", name)
        for name, commit_id in branches.items():
            run_git(self.gitdir, "update-ref", f"refs/heads/{name}", commit_id)
        with self.sessions.begin() as session:
            before = session.scalars(select(Repository.pushed_at)).one()
            later = (before or NOW) + timedelta(seconds=1)
            session.execute(update(Repository).values(pushed_at=later))

    @property
    def gitdir(self) -> Path:
        return self.writer.gitdir

    def index(self) -> int:
        return index_pushed(self.sessions, self.disk, self.repo_id)

    def found(self) -> dict[str, dict[str, bool]]:
        """Return the visible and hidden commits of each change."""
        found: dict[str, dict[str, bool]] = {}
        with self.sessions() as session:
            for row in session.scalars(select(ChangeCommit)):
                found.setdefault(row.change_id, {})[row.commit_id] = row.is_visible
            changes = {each.change_id: each for each in session.scalars(select(Change))}
        assert changes.keys() == found.keys()
        for change_id, change in changes.items():
            visible = sum(found[change_id].values())
            assert (change.is_hidden, change.is_divergent) == (not visible, visible > 1)
        return found


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> Site:
    writer = JjWriter(tmp_path / "work")
    place = writer.gitdir.relative_to(tmp_path).as_posix()
    with sessions.begin() as session:
        repo_id = make_repository(session, make_user(session))
        session.execute(update(Repository).values(disk_path=place))
    return Site(sessions, tmp_path, repo_id, writer, make_disk(tmp_path))


def make_disk(root: Path, *others: Path) -> Disk:
    inspector = Inspector((root, *others), allows_includes=False)
    return Disk(root, inspector, Ancestry(make_tools(root)))


def test_versions_follow_the_branches_there_and_back(site: Site) -> None:
    plain = site.writer.commit(description="by git")
    first = site.writer.commit(plain, change_id=CHANGE, description="first")
    second = site.writer.commit(plain, change_id=CHANGE, description="second")
    child = site.writer.commit(second, change_id=OTHER)
    steps: list[tuple[dict[str, str], dict[str, dict[str, bool]]]] = [
        ({"main": first}, {CHANGE: {first: True}}),
        ({"main": child}, {CHANGE: {first: False, second: True}, OTHER: {child: True}}),
        ({"main": plain}, {CHANGE: {first: False, second: False}, OTHER: {child: False}}),
        (
            {"main": child, "old": first},
            {CHANGE: {first: True, second: True}, OTHER: {child: True}},
        ),
    ]

    for branches, found in steps:
        site.push(**branches)
        assert list_due(site.sessions) == [site.repo_id]
        site.index()

        assert site.found() == found
        assert list_due(site.sessions) == []


def test_versions_are_listed_followed_and_told_with_what_git_knows_of_them(site: Site) -> None:
    query, page = ChangeQuery(), PageRequest(10)
    with pytest.raises(NotFoundError, match="alice/demo"):
        list_changes(site.sessions, site.repo_id, query, page)
    first = site.writer.commit(change_id=CHANGE, description="first", seconds=1_700_000_001)
    site.push(main=first)
    site.index()
    followed = FollowedChanges(site.sessions, site.repo_id, query)
    none = list_changes(site.sessions, site.repo_id, ChangeQuery(text="nowhere"), page)
    second = site.writer.commit(change_id=CHANGE, description="second", seconds=1_700_000_002)
    site.push(main=second)
    site.index()

    told = read_evolution(site.sessions, site.repo_id, "km", root=site.root, limit=10)

    assert none.items == ()
    assert [row.commit_id for row in followed.look()] == [second]
    assert [(form.commit_id, form.description, form.is_visible) for form in told.forms] == [
        (second, "second", True),
        (first, "first", False),
    ]
    assert "Only pushes" in (told.gap or "")
    with pytest.raises(NotFoundError, match="Nothing was synced"):
        list_operations(site.sessions, site.repo_id, OperationFilter(), page)


def test_description_without_end_is_cut(site: Site) -> None:
    site.push(main=site.writer.commit(change_id=CHANGE, description="x" * 1_000_000))

    site.index()
    told = read_evolution(site.sessions, site.repo_id, CHANGE, root=site.root, limit=10)

    cut = "x" * MAX_DESCRIPTION_CHARACTERS
    assert [form.description for form in told.forms] == [cut]
    with site.sessions() as session:
        assert session.scalars(select(Change.description)).one() == cut


def test_replaced_version_that_git_cleaned_up_stays_known(site: Site) -> None:
    first = site.writer.commit(change_id=CHANGE, description="first")
    site.push(main=first)
    site.index()
    (site.gitdir / "objects" / first[:2] / first[2:]).unlink()
    second = site.writer.commit(change_id=CHANGE, description="second")
    site.push(main=second)

    assert site.index() == 1
    assert site.found() == {CHANGE: {first: False, second: True}}


def test_commit_that_takes_the_memory_of_thousands_counts_as_thousands(site: Site) -> None:
    old = site.writer.commit(change_id=CHANGE)
    parents = [old] * 10 * MAX_COMMITS
    heavy = site.writer.commit(*parents, change_id=OTHER, seconds=1_700_000_001)
    site.push(main=heavy)

    site.index()

    assert site.found() == {OTHER: {heavy: True}}


def test_change_of_which_versions_come_without_end_takes_no_more(site: Site) -> None:
    many = {f"{number:040}": Standing(CHANGE, ()) for number in range(MAX_VERSIONS)}
    first, second = (site.writer.commit(change_id=CHANGE, description=text) for text in "ab")
    site.push(main=first)
    site.index()
    with site.sessions.begin() as session:
        jj_commits.write_changes(session.connection(), site.repo_id, [], commit_rows(many))
    site.push(main=site.writer.commit(second, change_id=OTHER), old=first)

    assert site.index() == 1

    assert site.found().keys() == {CHANGE, OTHER}
    assert second not in site.found()[CHANGE]


def test_one_that_cannot_be_read_is_left_due(site: Site) -> None:
    site.push(main=site.writer.commit(site.writer.commit(), change_id=CHANGE))
    for path in (site.gitdir / "objects").glob("??/*"):
        path.chmod(0o600)
        path.write_bytes(b"torn")

    with pytest.raises(DamagedJjError):
        site.index()
    assert list_due(site.sessions) == [site.repo_id]


def test_refs_that_cannot_be_read_are_left_due(site: Site) -> None:
    site.push(main=site.writer.commit(change_id=CHANGE))
    (site.gitdir / "packed-refs").unlink(missing_ok=True)
    (site.gitdir / "packed-refs").mkdir()

    with pytest.raises(JjError, match=r"refs of .* cannot be read"):
        site.index()
    assert list_due(site.sessions) == [site.repo_id]


def test_repository_that_was_removed_needs_nothing(site: Site) -> None:
    site.push(main=site.writer.commit(change_id=CHANGE))
    with site.sessions.begin() as session:
        session.execute(delete(Repository))

    assert site.index() == 0


def test_two_at_once_find_it_once(site: Site) -> None:
    commit = site.writer.commit(change_id=CHANGE)
    site.push(main=commit)

    assert run_at_once([site.index] * 4) == [None] * 4

    assert site.found() == {CHANGE: {commit: True}}


def test_jjs_own_stores_are_the_better_source(site: Site) -> None:
    old = site.writer.commit(change_id=CHANGE, description="old")
    new = site.writer.commit(change_id=OTHER, description="new")
    site.push(main=old)
    site.index()
    site.writer.publish(site.writer.view(new))

    sync_repository(site.sessions, site.repo_id, site.writer.workspace, now=NOW)
    site.push(main=old, other=new)

    assert site.index() == 0
    assert list_due(site.sessions) == []
    with site.sessions() as session:
        assert old not in set(session.scalars(select(ChangeCommit.commit_id)))
        assert session.scalars(select(PushedHeads)).all() == []


def test_killed_at_any_step_it_is_done_the_next_time(site: Site, database_url: str) -> None:
    first = site.writer.commit(change_id=CHANGE, description="first")
    second = site.writer.commit(change_id=CHANGE, description="second")
    site.push(main=first)
    site.index()
    site.push(main=second)
    before, step, was_killed = site.found(), 0, True

    def index() -> None:
        engine = open_engine(database_url)
        index_pushed(make_sessions(engine), site.disk, site.repo_id)

    while was_killed:
        step += 1
        was_killed = killed_at(step, index)
        after = site.found()
        assert after in (before, {CHANGE: {first: False, second: True}})
        assert bool(list_due(site.sessions)) == (after == before)
    assert step > 3
