"""Pushes are looked through in whatever git serves, and those that failed are tried again."""

from __future__ import annotations

import logging
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_repository, make_user
from tests.support.repositories import commit, git_bytes, new_work, oid_of
from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.db.models.jj import Change, ChangeCommit
from wit_admin.db.models.repositories import Repository
from wit_admin.errors import UnavailableError
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.repositories.disk import Disk
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.services.jj.pushed_changes import list_due
from wit_admin.services.pushes import index as push_index
from wit_admin.services.pushes.index import PushIndex

FIRST, SECOND, SECRET = ("k" * 31 + end for end in "kmx")
GITDIR = "alice/demo.git"


def add_commit(gitdir: Path, branch: str, change_id: str, *parents: str, tree: str = "") -> str:
    """Write a commit as jj does, and have a branch point at it."""
    person = "Ann <ann@example.org> 1700000000 +0000"
    lines = [
        f"tree {tree or git_bytes(gitdir, 'mktree').decode().strip()}",
        *(f"parent {parent}" for parent in parents),
        f"author {person}",
        f"committer {person}",
        f"change-id {change_id}",
    ]
    content = "\n".join([*lines, "", "text\n"]).encode()
    line = ("hash-object", "-t", "commit", "-w", "--stdin")
    made = git_bytes(gitdir, *line, stdin=content).decode().strip()
    run_git(gitdir, "update-ref", f"refs/heads/{branch}", made)
    return made


class Site:
    """A repository with pushes that nobody has looked through."""

    def __init__(self, sessions: sessionmaker[Session], folder: Path) -> None:
        self.sessions = sessions
        self.root = folder / "repos"
        self.gitdir = self.root / GITDIR
        self.shared = folder / "shared"
        with sessions.begin() as session:
            self.repo_id = make_repository(session, make_user(session))
            session.execute(update(Repository).values(disk_path=GITDIR, pushed_at=NOW))
        inspector = Inspector((self.root, self.shared), allows_includes=False)
        disk = Disk(self.root, inspector, Ancestry(make_tools(folder)))
        self.index = PushIndex(sessions, disk)

    def make(self, *options: str) -> None:
        self.gitdir.mkdir(parents=True)
        run_git(self.gitdir, "init", "--quiet", "--bare", "--initial-branch=main", *options)

    def found(self) -> set[str]:
        """Look through all that is due; return the changes that are known then."""
        self.index.find()
        while self.index.has_waiting:
            self.index.index_next()
        with self.sessions() as session:
            return set(session.scalars(select(ChangeCommit.change_id)))

    @property
    def is_done(self) -> bool:
        return not list_due(self.sessions)


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> Site:
    return Site(sessions, tmp_path)


@pytest.mark.parametrize("is_packed", [False, True])
def test_sha256_is_looked_through(site: Site, *, is_packed: bool) -> None:
    site.make("--object-format=sha256")
    first = add_commit(site.gitdir, "main", FIRST)
    assert len(first) == 64
    add_commit(site.gitdir, "main", SECOND, first)
    if is_packed:
        run_git(site.gitdir, "gc", "--quiet")

    assert site.found() == {FIRST, SECOND}
    assert site.is_done


@pytest.mark.parametrize("setting", ["transfer.hideRefs", "uploadpack.hideRefs"])
def test_what_clients_are_not_shown_is_not_looked_through(site: Site, setting: str) -> None:
    site.make()
    add_commit(site.gitdir, "main", FIRST)
    add_commit(site.gitdir, "secret/one", SECRET)
    run_git(site.gitdir, "config", setting, "refs/heads/secret")

    assert site.found() == {FIRST}
    assert site.is_done


@pytest.mark.parametrize(
    "setting", ["receive.denyDeletes=true", "uploadpack.allowAnySHA1InWant=true", "x.y=z"]
)
def test_settings_of_its_own_do_not_matter(site: Site, setting: str) -> None:
    site.make()
    add_commit(site.gitdir, "main", FIRST)
    run_git(site.gitdir, "config", *setting.split("="))

    assert site.found() == {FIRST}
    assert site.is_done


@pytest.mark.parametrize("is_outside", [False, True])
def test_objects_that_are_borrowed_are_looked_through(site: Site, *, is_outside: bool) -> None:
    """From a place that the operator allows, if it is outside of the root."""
    site.make()
    first = add_commit(site.gitdir, "main", FIRST)
    add_commit(site.gitdir, "main", SECOND, first)
    pool = site.shared / "pool" if is_outside else site.root / "pool/objects.git/objects"
    pool.parent.mkdir(parents=True)
    shutil.move(site.gitdir / "objects", pool)
    (site.gitdir / "objects/info").mkdir(parents=True)
    (site.gitdir / "objects/info/alternates").write_text(f"{pool}\n")

    assert site.found() == {FIRST, SECOND}
    assert site.is_done


def test_shallow_repository_is_looked_through_as_far_as_it_goes(site: Site) -> None:
    site.make()
    gone = add_commit(site.gitdir, "main", FIRST)
    edge = add_commit(site.gitdir, "main", SECOND, gone)
    (site.gitdir / "shallow").write_text(f"{edge}\n")
    (site.gitdir / "objects" / gone[:2] / gone[2:]).unlink()

    assert site.found() == {SECOND}
    assert site.is_done


@pytest.mark.parametrize("wanted", ["blob:none", "tree:0"])
def test_partial_clone_is_looked_through_without_what_it_lacks(
    site: Site, tmp_path: Path, wanted: str
) -> None:
    """A merge is compared with its parents' trees, which are not there."""
    source = new_work(tmp_path / "source")
    base = commit(source, "base")
    sides = []
    for name in ("left", "right"):
        run_git(source, "checkout", "--quiet", "-B", name, base)
        sides.append(commit(source, name, f"{name}.txt"))
    tree = oid_of(source, "right^{tree}")
    add_commit(source, "merge", FIRST, *sides, tree=tree)
    run_git(source, "config", "uploadpack.allowFilter", "true")
    site.gitdir.parent.mkdir(parents=True)
    run_git(
        tmp_path,
        "clone",
        "--quiet",
        "--bare",
        f"--filter={wanted}",
        source.as_uri(),
        str(site.gitdir),
    )

    assert site.found() == {FIRST}
    assert site.is_done
    with site.sessions() as session:
        is_empty = session.scalars(select(Change.is_empty)).one()
    assert is_empty == (None if wanted == "tree:0" else False)


def _reason(record: logging.LogRecord) -> str:
    fields = record.__dict__["fields"]
    return str(fields["reason"])


def test_what_git_does_not_serve_is_told_once_and_tried_again(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.make()
    add_commit(site.gitdir, "main", FIRST)
    config = (site.gitdir / "config").read_text()
    future = "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tfromTheFuture = true\n"
    (site.gitdir / "config").write_text(config + future)

    for _ in range(3):
        site.index.add(site.repo_id)
        assert site.found() == set()
    assert len(caplog.records) == 1
    assert "fromthefuture" in _reason(caplog.records[0])
    assert site.index.find() == 0

    monkeypatch.setattr(push_index, "_FIRST_RETRY_S", 0.0)
    (site.gitdir / "config").write_text(config)
    site.index.add(site.repo_id)

    assert site.found() == {FIRST}
    assert site.is_done


def test_what_another_process_left_is_found(site: Site) -> None:
    site.make()
    first = add_commit(site.gitdir, "main", FIRST)
    assert site.found() == {FIRST}
    assert site.index.find() == 0
    add_commit(site.gitdir, "main", SECOND, first)
    with site.sessions.begin() as session:
        session.execute(update(Repository).values(pushed_at=NOW + timedelta(seconds=1)))

    assert site.index.find() == 1
    assert site.found() == {FIRST, SECOND}


def test_repository_that_is_gone_from_the_disk_keeps_nobody_busy(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.gitdir.parent.mkdir(parents=True)

    assert site.found() == set()

    assert site.index.find() == 0
    assert GITDIR in _reason(caplog.records[0])


def test_disk_that_is_gone_is_no_fault_of_the_repositories(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnavailableError, match="gone or empty"):
        site.found()
    assert caplog.messages == []
    site.make()
    add_commit(site.gitdir, "main", FIRST)

    assert site.found() == {FIRST}


def has_reftable() -> bool:
    """Tell whether this git can make such a repository."""
    line = ["git", "init", "--bare", "--ref-format=reftable", "--help-me-not"]
    return (
        b"unknown option `ref-format"
        not in subprocess.run(line, capture_output=True, check=False).stderr
    )


@pytest.mark.skipif(not has_reftable(), reason="git is older than reftable")
def test_reftable_is_looked_through(site: Site) -> None:
    site.make("--ref-format=reftable")
    add_commit(site.gitdir, "main", FIRST)

    assert site.found() == {FIRST}
    assert site.is_done
