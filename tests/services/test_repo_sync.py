"""A sync makes rows and folders agree, tells what is odd, and loses nothing however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_user
from tests.support.processes import wait_until
from tests.support.repositories import commit, new_work
from tests.support.server import run_git
from tests.support.terminal import ROOT
from wit_admin.db.models.accounts import Owner, User
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.db.queries import serving
from wit_admin.errors import ConflictError
from wit_admin.git import own_config, storage
from wit_admin.names import RepoName
from wit_admin.services import repository_changes, trash
from wit_admin.services.plans import Applied, Plan
from wit_admin.services.repo_sync import RepoSync, SyncOptions
from wit_admin.services.repository_changes import RepositoryOrder
from wit_admin.services.sync_actions import SyncAction

OPTIONS = SyncOptions(Visibility.PRIVATE)


@dataclass(frozen=True, slots=True)
class Site:
    """A database, and a repository root."""

    sessions: sessionmaker[Session]
    root: Path

    def add(self, path: str, **how: Any) -> Path:
        """Put a bare repository on disk, behind the database's back."""
        storage.create_bare(self.root, path, **how)
        return self.root / path

    def plan(self, **options: Any) -> Plan[SyncAction]:
        return RepoSync(self.sessions, self.root, replace(OPTIONS, **options)).build()

    def sync(self, **options: Any) -> Applied:
        sync = RepoSync(self.sessions, self.root, replace(OPTIONS, **options))
        return sync.task(self.root.parent / "run").apply(sync.build())

    def rows(self) -> dict[str, Repository]:
        """Return the live rows by owner and name."""
        with self.sessions() as session:
            found = session.execute(
                select(Repository, Owner.name)
                .join(Owner, Owner.id == Repository.owner_id)
                .where(Repository.deleted_at.is_(None))
            )
            return {f"{owner}/{row.name}": row for row, owner in found}

    def remarks(self) -> dict[str, str]:
        return {remark.target: remark.kind for remark in self.plan().remarks}

    def facts(self) -> dict[str, tuple[Any, ...]]:
        """Return what an empty database must get back."""
        return {
            name: (
                row.id,
                row.disk_path,
                row.description,
                row.visibility,
                row.default_branch,
                row.object_format,
                row.size_bytes,
            )
            for name, row in self.rows().items()
        }

    def assert_settled(self) -> None:
        """Check that disk and database agree: nothing is left to do."""
        assert self.plan(verify=True).actions == ()


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> Site:
    """An empty database and an empty root."""
    (tmp_path / "repos").mkdir()
    return Site(sessions, tmp_path / "repos")


def test_unknown_repository_is_adopted_with_a_placeholder_for_its_owner(site: Site) -> None:
    folder = site.add("alice/demo.git", head="trunk", object_format="sha256")
    (folder / "description").write_text("A try\n")

    applied = site.sync()

    assert applied.done == {"owner": 1, "adopt": 1}
    row = site.rows()["alice/demo"]
    assert (row.default_branch, row.description, row.visibility, row.object_format) == (
        "trunk",
        "A try",
        Visibility.PRIVATE,
        "sha256",
    )
    assert own_config.read_own(folder)["id"] == str(row.id)
    with site.sessions() as session:
        assert session.scalars(select(User.is_placeholder)).all() == [True]


def test_dry_plan_changes_neither_disk_nor_database(site: Site) -> None:
    folder = site.add("alice/demo.git")
    before = (folder / "config").read_bytes()

    plan = site.plan()

    assert plan.count() == {"owner": 1, "adopt": 1}
    assert (folder / "config").read_bytes() == before
    assert site.rows() == {}
    assert sorted(path.name for path in site.root.iterdir()) == ["alice"]


def test_second_run_changes_nothing(site: Site) -> None:
    for name in ("a", "b", "c"):
        site.add(f"alice/{name}.git")
    site.sync()
    before = {name: row.updated_at for name, row in site.rows().items()}

    applied = site.sync()

    assert applied.done == {}
    assert {name: row.updated_at for name, row in site.rows().items()} == before


def test_empty_database_gets_the_same_rows_back(site: Site, tmp_path: Path) -> None:
    with site.sessions.begin() as session:
        make_user(session, "alice")
    for name, description in (("demo", 'Says "so" \\ # ; and\nmore '), ("tools", None)):
        order = RepositoryOrder(Visibility.PUBLIC, description, "trunk")
        repository_changes.create_repository(
            site.sessions, site.root, RepoName("alice", name), order
        )
    repository_changes.rename_repository(
        site.sessions, site.root, RepoName("alice", "tools"), "hammer"
    )
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "push", "--quiet", str(site.root / "alice/demo.git"), "main:trunk")
    site.sync()
    before = site.facts()
    with site.sessions.begin() as session:
        session.execute(delete(Repository))
        session.execute(delete(User))
        session.execute(delete(Owner))

    site.sync()

    assert site.facts() == before
    assert site.rows()["alice/demo"].pushed_at is not None
    assert site.rows()["alice/hammer"].pushed_at is None
    site.assert_settled()


def test_moved_folder_is_followed_and_its_old_name_leads_to_it(site: Site) -> None:
    site.add("alice/demo.git")
    site.sync()
    repo_id = site.rows()["alice/demo"].id
    (site.root / "bob").mkdir()
    (site.root / "alice/demo.git").rename(site.root / "bob/tools.git")

    applied = site.sync()

    assert applied.done == {"owner": 1, "move": 1}
    row = site.rows()["bob/tools"]
    assert (row.id, row.disk_path) == (repo_id, "bob/tools.git")
    with site.sessions() as session:
        served = serving.find_served(session, RepoName("alice", "demo"), None)
    assert served is not None
    assert served.repo_id == repo_id
    site.assert_settled()


def test_folder_of_a_renamed_repository_that_is_moved_keeps_the_name(site: Site) -> None:
    site.add("alice/demo.git")
    site.sync()
    repository_changes.rename_repository(
        site.sessions, site.root, RepoName("alice", "demo"), "tools"
    )
    (site.root / "bob").mkdir()
    (site.root / "alice/demo.git").rename(site.root / "bob/demo.git")

    site.sync()

    assert site.rows()["bob/tools"].disk_path == "bob/demo.git"


def test_copy_is_a_repository_of_its_own(site: Site) -> None:
    site.add("alice/demo.git")
    site.sync()
    shutil.copytree(site.root / "alice/demo.git", site.root / "alice/copy.git")

    site.sync()

    rows = site.rows()
    assert set(rows) == {"alice/demo", "alice/copy"}
    assert rows["alice/demo"].disk_path == "alice/demo.git"
    assert own_config.read_own(site.root / "alice/copy.git")["id"] == str(rows["alice/copy"].id)
    site.assert_settled()


def test_folder_that_never_had_an_id_is_known_by_its_name(site: Site) -> None:
    site.add("alice/demo.git")
    site.sync()
    repo_id = site.rows()["alice/demo"].id
    shutil.rmtree(site.root / "alice/demo.git")
    site.add("alice/demo")

    site.sync()

    row = site.rows()["alice/demo"]
    assert (row.id, row.disk_path) == (repo_id, "alice/demo")


def test_what_changed_on_disk_is_written_down(site: Site, tmp_path: Path) -> None:
    folder = site.add("alice/demo.git")
    site.sync()
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "push", "--quiet", str(folder), "main:trunk")
    run_git(folder, "symbolic-ref", "HEAD", "refs/heads/trunk")

    applied = site.sync()

    assert applied.done == {"refresh": 1}
    row = site.rows()["alice/demo"]
    assert row.default_branch == "trunk"
    assert row.pushed_at is not None
    assert row.size_bytes > 0
    site.assert_settled()


def test_packing_is_no_push(site: Site, tmp_path: Path) -> None:
    folder = site.add("alice/demo.git")
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "push", "--quiet", str(folder), "main")
    site.sync()
    before = site.rows()["alice/demo"].pushed_at
    run_git(folder, "pack-refs", "--all")

    site.sync()

    assert site.rows()["alice/demo"].pushed_at == before


def test_row_decides_what_a_config_says(site: Site) -> None:
    folder = site.add("alice/demo.git")
    site.sync()
    run_git(folder, "config", "wit.visibility", "public")
    run_git(folder, "config", "wit.id", str(uuid.UUID(int=1)))

    applied = site.sync()

    row = site.rows()["alice/demo"]
    told = own_config.read_own(folder)
    assert applied.done == {"mark": 1}
    assert row.visibility is Visibility.PRIVATE
    assert (told["visibility"], told["id"]) == ("private", str(row.id))


def test_missing_folder_is_told_and_pruned_only_when_asked(site: Site) -> None:
    for name in "abcd":
        site.add(f"alice/{name}.git")
    site.sync()
    shutil.rmtree(site.root / "alice/a.git")

    assert site.sync().done == {}
    assert site.remarks() == {"alice/a.git": "missing"}
    with pytest.raises(ConflictError, match="1 of 4"):
        site.plan(prune=True)

    assert site.plan(prune=True, max_prune_percent=25).is_destructive
    assert site.sync(prune=True, max_prune_percent=25).done == {"prune": 1}
    assert set(site.rows()) == {"alice/b", "alice/c", "alice/d"}
    site.assert_settled()


def test_pruned_repository_whose_folder_is_back_is_shown_again(site: Site, tmp_path: Path) -> None:
    folder = site.add("alice/demo.git")
    site.add("alice/other.git")
    site.sync()
    repo_id = site.rows()["alice/demo"].id
    folder.rename(tmp_path / "away")
    site.sync(prune=True, max_prune_percent=50)
    (tmp_path / "away").rename(folder)

    assert site.sync().done == {"revive": 1}

    assert site.rows()["alice/demo"].id == repo_id
    site.assert_settled()


def test_deletion_that_was_cut_short_is_finished(site: Site) -> None:
    site.add("alice/demo.git")
    site.sync()
    repo_id = site.rows()["alice/demo"].id
    (site.root / trash.TRASH).mkdir()
    (site.root / "alice/demo.git").rename(site.root / trash.TRASH / str(repo_id))

    assert site.sync().done == {"trash": 1}

    assert site.rows() == {}
    trash.restore_repository(site.sessions, site.root, RepoName("alice", "demo"))
    assert site.rows()["alice/demo"].id == repo_id
    site.assert_settled()


@pytest.mark.parametrize("state", ["missing", "empty", "strange"])
def test_root_that_is_not_mounted_is_not_pruned(site: Site, tmp_path: Path, state: str) -> None:
    site.add("alice/demo.git")
    site.sync()
    site.root.rename(tmp_path / "away")
    if state != "missing":
        site.root.mkdir()
    if state == "strange":
        site.add("bob/other.git")

    with pytest.raises(ConflictError):
        site.sync(prune=True, max_prune_percent=100)

    assert set(site.rows()) == {"alice/demo"}


def test_other_volume_is_known_after_it_is_accepted(site: Site, tmp_path: Path) -> None:
    site.add("alice/demo.git")
    site.sync()
    shutil.copytree(site.root / "alice", tmp_path / "new/alice")
    shutil.rmtree(site.root)
    (tmp_path / "new").rename(site.root)

    assert site.remarks() == {str(site.root): "root"}
    site.sync(accept_root=True)

    assert site.remarks() == {}


def test_odd_things_are_told_and_left_alone(site: Site, tmp_path: Path) -> None:
    site.add("alice/good.git")
    (site.root / "alice/in").symlink_to("good.git")
    (site.root / "alice/out").symlink_to(tmp_path)
    (site.root / "eve").symlink_to(tmp_path)
    run_git(site.root, "init", "--quiet", "alice/work")
    (site.root / "alice/jj/.jj").mkdir(parents=True)
    site.add("alice/deep/er.git")
    site.add("alice/Good")
    site.add("alice/what is it.git")
    site.add("top.git")
    shutil.copytree(site.root / "alice/good.git", site.root / os.fsdecode(b"bob/\xff.git"))
    (site.root / "alice/broken.git/objects").mkdir(parents=True)
    (site.root / "alice/.new-abc").mkdir()
    (site.root / "alice/.old-abc").mkdir()
    os.utime(site.root / "alice/.old-abc", (0, 0))

    site.sync()

    assert set(site.rows()) == {"alice/Good"}
    assert site.remarks() == {
        "alice/in": "link",
        "alice/out": "link-out",
        "eve": "link-out",
        "alice/work": "non-bare",
        "alice/jj": "jj",
        "alice/deep": "nested",
        "alice/good.git": "twin",
        "alice/what is it.git": "odd-name",
        "top.git": "misplaced",
        os.fsdecode(b"bob/\xff.git"): "odd-name",
        "alice/broken.git": "broken",
        "alice/.old-abc": "half-made",
    }
    assert (site.root / "alice/.old-abc").exists()


def test_pipe_in_a_repository_does_not_block(site: Site) -> None:
    folder = site.add("alice/demo.git")
    (folder / "HEAD").unlink()
    os.mkfifo(folder / "HEAD")
    os.mkfifo(folder / "description")

    site.sync()

    assert site.rows()["alice/demo"].default_branch == "main"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folder_is_a_failure_and_never_pruned(site: Site) -> None:
    site.add("alice/demo.git")
    site.add("bob/other.git")
    site.sync()
    (site.root / "alice").chmod(0)

    applied = site.sync(prune=True, max_prune_percent=100)

    (site.root / "alice").chmod(0o755)
    assert [remark.target for remark in applied.remarks if remark.is_failure] == ["alice"]
    assert set(site.rows()) == {"alice/demo", "bob/other"}


def test_locked_config_fails_alone_and_is_adopted_later(site: Site) -> None:
    for name in "abc":
        site.add(f"alice/{name}.git")
    (site.root / "alice/b.git/config.lock").touch()

    applied = site.sync()

    assert applied.done == {"owner": 1, "adopt": 2}
    assert [failure.target for failure in applied.failures] == ["alice/b"]
    (site.root / "alice/b.git/config.lock").unlink()
    assert site.sync().done == {"adopt": 1}
    assert list(site.root.rglob("config.wit-*")) == []
    site.assert_settled()


def test_only_one_owner_is_looked_at_when_asked(site: Site) -> None:
    site.add("alice/demo.git")
    site.add("bob/other.git")

    site.sync(owner="Alice")

    assert set(site.rows()) == {"alice/demo"}


def test_owner_who_is_known_gets_no_placeholder(site: Site) -> None:
    with site.sessions.begin() as session:
        make_user(session, "alice")
    site.add("ALICE/demo.git")

    assert site.sync().done == {"adopt": 1}
    assert set(site.rows()) == {"alice/demo"}


def test_row_that_was_made_while_the_sync_planned_stays(site: Site) -> None:
    site.add("alice/demo.git")
    plan = site.plan()
    site.sync()
    repo_id = site.rows()["alice/demo"].id

    RepoSync(site.sessions, site.root, OPTIONS).task(site.root.parent / "run").apply(plan)

    assert site.rows()["alice/demo"].id == repo_id
    site.assert_settled()


def test_row_that_is_wrong_is_found_by_verify(site: Site) -> None:
    site.add("alice/demo.git")
    site.sync()
    with site.sessions.begin() as session:
        session.execute(update(Repository).values(size_bytes=7))

    assert site.sync(verify=True).done == {"refresh": 1}
    assert site.rows()["alice/demo"].size_bytes == 0


_SYNC = """
import sys
from pathlib import Path
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.repositories import Visibility
from wit_admin.services.repo_sync import RepoSync, SyncOptions
sync = RepoSync(make_sessions(open_engine(sys.argv[1])), Path(sys.argv[2]),
                SyncOptions(Visibility.PRIVATE))
task = sync.task(Path(sys.argv[2]).parent / "run")
with task.lock.hold():
    applied = task.apply(task.build())
print(applied.done)
"""


def start_sync(database_url: str, root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _SYNC, database_url, str(root)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


@pytest.fixture
def many(site: Site) -> Site:
    """Three hundred repositories that the database does not know."""
    for number in range(300):
        site.add(f"owner{number % 7}/repo{number}.git")
    return site


def marked(site: Site) -> Iterator[bool]:
    """Tell of each repository whether it has an id."""
    for path in site.root.glob("*/*/config"):
        yield b"[wit]" in path.read_bytes()


def test_sync_that_is_killed_is_taken_up_by_the_next(many: Site, database_url: str) -> None:
    with start_sync(database_url, many.root) as process:
        wait_until(lambda: any(marked(many)))
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    many.sync()

    assert len(many.rows()) == 300
    assert list(many.root.rglob("config.lock")) == []
    assert list(many.root.rglob("config.wit-*")) == []
    many.assert_settled()


def test_two_syncs_at_once_end_as_one(many: Site, database_url: str) -> None:
    with start_sync(database_url, many.root) as one, start_sync(database_url, many.root) as other:
        printed = {one.communicate()[0].strip(), other.communicate()[0].strip()}

    assert printed == {b"{'owner': 7, 'adopt': 300}", b"{}"}
    assert len(many.rows()) == 300


def test_marks_are_written_beside_pushes(many: Site, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    commit(work, "one")

    def push() -> None:
        for number in range(20):
            folder = many.root / f"owner{number % 7}/repo{number}.git"
            run_git(work, "push", "--quiet", str(folder), "main")

    thread = threading.Thread(target=push)
    thread.start()
    many.sync()
    thread.join()
    many.sync()

    assert len(many.rows()) == 300
    assert many.rows()["owner0/repo0"].pushed_at is not None
    many.assert_settled()
