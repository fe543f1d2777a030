"""Repositories put in order on disk: only those that need it, one process at a time on each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.builders import run_at_once
from tests.support.repositories import commit, git_bytes, new_work, oid_of
from tests.support.server import run_git
from tests.support.sites import DEMO, Site
from tests.support.tools import make_tools
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import BatchError, BusyError, ConflictError, NotFoundError
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.names import RepoName
from wit_admin.services.audit import trail
from wit_admin.services.plans import Applied
from wit_admin.services.repositories.listing import show_repository
from wit_admin.services.repositories.maintenance import Maintenance

OTHER = RepoName("bob", "other")


@pytest.fixture
def maintenance(site: Site, tmp_path: Path) -> Maintenance:
    """What keeps the site's repositories in order."""
    inspector = Inspector((site.root,))
    tools = make_tools(tmp_path)
    return Maintenance(site.sessions, site.root, tmp_path / "run", tools, inspector)


@pytest.fixture
def work(site: Site, tmp_path: Path) -> Path:
    """A working tree whose commits are pushed to ``alice/demo``, one pack for each push."""
    site.create()
    run_git(site.folder(DEMO), "config", "receive.unpackLimit", "1")
    folder = new_work(tmp_path / "work")
    push(site, folder, "first")
    return folder


def push(site: Site, work: Path, text: str) -> None:
    commit(work, text)
    run_git(work, "push", "--quiet", str(site.folder(DEMO)), "HEAD:refs/heads/main")


def gc(maintenance: Maintenance, *names: RepoName, full: bool = False) -> Applied:
    task = maintenance.task(names or None, full=full)
    applied = task.apply(task.build())
    assert applied.failures == ()
    return applied


def files(site: Site) -> set[tuple[str, int]]:
    """Return the files of all objects and their times."""
    folder = site.folder(DEMO) / "objects"
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def audited(site: Site) -> list[str]:
    events = trail.list_events(site.sessions, AuditFilter(), limit=100)
    return [str(event.target_name) for event in events if event.action == "repository.gc"]


def test_packs_of_many_pushes_become_one_with_an_index_and_a_bitmap(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    for number in range(4):
        push(site, work, f"commit {number}")
    before = maintenance.count(DEMO)

    gc(maintenance)

    after = maintenance.count(DEMO)
    assert (before.packs, before.has_bitmap, after.packs) == (5, False, 1)
    assert after.has_multi_pack_index
    assert after.has_bitmap
    assert after.has_commit_graph
    assert (after.commits, after.branches, after.packed_objects) == (5, 1, before.packed_objects)
    shown = show_repository(site.sessions, DEMO)
    assert shown.size_bytes >= after.packed_bytes > 0
    assert run_git(site.folder(DEMO), "fsck", "--full").stderr == ""


def test_repository_in_order_is_left_alone(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    gc(maintenance)
    before = files(site)

    assert gc(maintenance).done == {}
    assert gc(maintenance, DEMO).done == {}

    assert files(site) == before
    assert audited(site) == ["alice/demo"]


def test_plan_says_why_and_does_nothing(maintenance: Maintenance, site: Site, work: Path) -> None:
    site.create(OTHER)
    for number in range(300):
        git_bytes(site.folder(OTHER), "hash-object", "-w", "--stdin", stdin=b"%d" % number)
    before = files(site)

    plan = maintenance.task().build()

    assert [(action.target, action.reasons) for action in plan.actions] == [
        ("alice/demo", ("packs that no index covers",)),
        ("bob/other", ("many loose objects",)),
    ]
    assert not plan.is_destructive
    assert files(site) == before


def test_new_pack_is_enough_to_be_packed_again(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    gc(maintenance)
    push(site, work, "second")

    assert gc(maintenance).done == {"gc": 1}

    assert maintenance.count(DEMO).disorder == ()


def test_object_that_no_ref_leads_to_outlives_a_full_packing(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    lost = oid_of(work, "HEAD")
    run_git(work, "commit", "--quiet", "--amend", "-m", "another")
    run_git(work, "push", "--quiet", "--force", str(site.folder(DEMO)), "HEAD:refs/heads/main")

    gc(maintenance, DEMO, full=True)
    gc(maintenance, DEMO, full=True)

    assert git_bytes(site.folder(DEMO), "cat-file", "-t", lost) == b"commit\n"
    assert maintenance.count(DEMO).disorder == ()


def test_only_a_full_packing_of_what_has_no_forks_drops_what_is_old(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    gitdir = site.folder(DEMO)
    old = git_bytes(gitdir, "hash-object", "-w", "--stdin", stdin=b"old").decode().strip()
    os.utime(gitdir / f"objects/{old[:2]}/{old[2:]}", (0, 0))

    kept = []
    for forks in (1, 0):
        with site.sessions.begin() as session:
            session.query(Repository).update({Repository.forks_count: forks})
        gc(maintenance, DEMO, full=True)
        kept.append(run_git(gitdir, "cat-file", "-e", old, check=False).returncode == 0)

    assert kept == [True, False]


def test_two_at_once_pack_it_once(maintenance: Maintenance, site: Site, work: Path) -> None:
    plan = maintenance.task([DEMO]).build()

    failures = run_at_once([lambda: maintenance.task([DEMO]).apply(plan)] * 3)

    assert failures == [None] * 3
    assert audited(site) == ["alice/demo"]


def test_second_round_over_all_is_busy(maintenance: Maintenance, site: Site, work: Path) -> None:
    with maintenance.task().lock.hold(), pytest.raises(BusyError):
        maintenance.task().run()

    assert maintenance.task().run() == {"gc": 1}


def test_repository_that_git_may_not_be_let_into_is_told_and_the_rest_is_done(
    maintenance: Maintenance, site: Site, work: Path, tmp_path: Path
) -> None:
    site.create(OTHER)
    alternates = site.folder(OTHER) / "objects/info/alternates"
    alternates.write_text(f"{tmp_path}/work/.git/objects\n")

    task = maintenance.task()

    assert [remark.target for remark in task.build().remarks] == ["bob/other"]
    assert task.run() == {"gc": 1}
    assert audited(site) == ["alice/demo"]
    with pytest.raises(BatchError, match="bob/other"):
        maintenance.task([OTHER]).run()
    with pytest.raises(ConflictError, match="alternates"):
        maintenance.count(OTHER)


def test_what_killed_processes_left_is_taken_away(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    folder = site.folder(DEMO) / "objects/pack"
    for name in ("tmp_pack_old", ".tmp-1-pack-old.pack", "tmp_pack_new"):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, None if name.endswith("new") else (0, 0))

    gc(maintenance, DEMO)

    assert {path.name for path in folder.iterdir() if "tmp" in path.name} == {"tmp_pack_new"}


def test_locks_of_killed_processes_do_not_keep_it_from_being_packed(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    gc(maintenance, DEMO)
    push(site, work, "second")
    gitdir = site.folder(DEMO)
    for lock in (
        "objects/pack/multi-pack-index",
        "objects/info/commit-graphs/commit-graph-chain",
        "packed-refs",
    ):
        path = gitdir / f"{lock}.lock"
        path.touch()
        os.utime(path, (0, 0))

    gc(maintenance, DEMO)

    assert maintenance.count(DEMO).disorder == ()
    assert list(gitdir.rglob("*.lock")) == []


def test_empty_repository_is_in_order(maintenance: Maintenance, site: Site) -> None:
    site.create()

    assert maintenance.task().build().actions == ()
    gc(maintenance, DEMO, full=True)

    assert maintenance.count(DEMO).commits == 0


def test_largest_blobs_have_a_path_when_a_ref_leads_to_them(
    maintenance: Maintenance, site: Site, work: Path
) -> None:
    (work / "folder").mkdir()
    commit(work, "x" * 5000, "folder/large file")
    push(site, work, "end")
    git_bytes(site.folder(DEMO), "hash-object", "-w", "--stdin", stdin=b"y" * 9000)

    first, second = maintenance.count(DEMO, largest=2).largest_blobs

    assert (first.size_bytes, first.path) == (9000, None)
    assert (second.size_bytes, second.path) == (5000, "folder/large file")


def test_absent_repository_has_no_plan(maintenance: Maintenance) -> None:
    with pytest.raises(NotFoundError):
        maintenance.task([OTHER]).build()
