"""Repositories brought in from a path: whole, without trust, and once."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.builders import run_at_once
from tests.support.repositories import all_refs, commit, git_bytes, new_work, oid_of
from tests.support.server import run_git
from tests.support.sites import DEMO, Site
from tests.support.tools import make_tools
from wit_admin.db.models.repositories import ObjectFormat, Repository, Visibility
from wit_admin.errors import (
    BusyError,
    ConflictError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from wit_admin.git.children.limited_child import ChildLimits
from wit_admin.git.remotes.sources import parse_source
from wit_admin.git.repositories import own_config, storage
from wit_admin.git.repositories.staging import open_staging
from wit_admin.names import RepoName
from wit_admin.services.repositories.importing import Importer, ImportOrder
from wit_admin.services.repositories.listing import show_repository

LIMITS = ChildLimits(60.0, 1024**3, 1024**2)


@pytest.fixture
def importer(site: Site, tmp_path: Path) -> Importer:
    """What imports into the site, at most a megabyte."""
    return Importer(site.sessions, site.root, make_tools(tmp_path), LIMITS)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with a branch, a tag, a note and what a forge keeps of pull requests."""
    work = new_work(tmp_path / "source")
    commit(work, "first")
    run_git(work, "tag", "-a", "-m", "one", "v1")
    run_git(work, "notes", "add", "-m", "good")
    for ref in ("refs/pull/1/head", "refs/jj/keep/x", "refs/wit/x"):
        run_git(work, "update-ref", ref, "HEAD")
    run_git(work, "checkout", "--quiet", "-b", "trunk")
    commit(work, "second")
    return work


def order_of(source: Path) -> ImportOrder:
    return ImportOrder(parse_source(str(source)), Visibility.PUBLIC, "A copy")


def refs_of(gitdir: Path) -> set[str]:
    return {line.split()[1] for line in all_refs(gitdir).splitlines()}


def left_behind(site: Site) -> list[str]:
    return [path.name for path in (site.root / "alice").iterdir() if path.name != "demo.git"]


def test_imported_repository_is_the_source_s_branches_tags_and_notes(
    importer: Importer, site: Site, source: Path
) -> None:
    made = importer.run(DEMO, order_of(source))

    gitdir = site.folder(DEMO)
    shown = show_repository(site.sessions, DEMO)
    assert refs_of(gitdir) == {
        "refs/heads/main",
        "refs/heads/trunk",
        "refs/tags/v1",
        "refs/notes/commits",
    }
    assert oid_of(gitdir, "HEAD") == oid_of(source, "trunk")
    assert (shown.id, shown.default_branch, shown.description) == (made.id, "trunk", "A copy")
    assert shown.pushed_at is not None
    assert shown.size_bytes > 0
    assert "remote" not in (gitdir / "config").read_text()
    assert own_config.read_own(gitdir)["source"] == str(source)
    assert left_behind(site) == []


def test_all_refs_are_brought_but_ours_and_those_of_jj(
    importer: Importer, site: Site, source: Path
) -> None:
    importer.run(DEMO, replace(order_of(source), all_refs=True))

    assert "refs/pull/1/head" in refs_of(site.folder(DEMO))
    assert not any(ref.startswith(("refs/wit", "refs/jj")) for ref in refs_of(site.folder(DEMO)))


def test_source_with_sha256_and_one_without_commits(
    importer: Importer, site: Site, tmp_path: Path
) -> None:
    modern = new_work(tmp_path / "modern", "--object-format=sha256")
    commit(modern, "first")

    importer.run(DEMO, order_of(modern))
    importer.run(RepoName("bob", "empty"), order_of(new_work(tmp_path / "empty")))

    shown = show_repository(site.sessions, DEMO)
    empty = show_repository(site.sessions, RepoName("bob", "empty"))
    assert shown.object_format is ObjectFormat.SHA256
    assert oid_of(site.folder(DEMO), "main") == oid_of(modern, "main")
    assert (empty.pushed_at, empty.default_branch) == (None, "main")


def test_default_branch_whose_name_is_no_text_comes_in_beside_another(
    importer: Importer, site: Site, source: Path
) -> None:
    git_bytes(source, "update-ref", b"refs/heads/\xff", "HEAD")
    git_bytes(source, "symbolic-ref", "HEAD", b"refs/heads/\xff")

    importer.run(DEMO, order_of(source))

    assert show_repository(site.sessions, DEMO).default_branch == "main"
    assert b"refs/heads/\xff" in git_bytes(site.folder(DEMO), "for-each-ref")


def test_detached_head_gives_the_usual_branch(importer: Importer, site: Site, source: Path) -> None:
    run_git(source, "checkout", "--quiet", "--detach")

    importer.run(DEMO, order_of(source))

    assert show_repository(site.sessions, DEMO).default_branch == "main"


@pytest.mark.parametrize("place", ["", "empty"])
def test_what_is_no_repository_is_not_found(
    importer: Importer, site: Site, tmp_path: Path, place: str
) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(NotFoundError, match="no repository"):
        importer.run(DEMO, order_of(tmp_path / place / "x"))


def test_source_that_leads_elsewhere_is_refused(
    importer: Importer, site: Site, source: Path, tmp_path: Path
) -> None:
    secret = new_work(tmp_path / "secret")
    commit(secret, "secret")
    (source / ".git/objects/info/alternates").write_text(f"{secret}/.git/objects\n")

    with pytest.raises(ConflictError, match="alternates"):
        importer.run(DEMO, order_of(source))

    assert not (site.root / DEMO.disk_path).exists()


def test_source_runs_nothing(importer: Importer, site: Site, source: Path, tmp_path: Path) -> None:
    """A local source is read by upload-pack, under the source's own config."""
    mark = tmp_path / "ran"
    script = tmp_path / "run"
    script.write_text(f"#!/bin/sh\necho $0 >> {mark}\nexit 1\n")
    script.chmod(0o755)
    for key in (
        "uploadpack.packObjectsHook",
        "core.fsmonitor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "pager.upload-pack",
        "remote.origin.uploadpack",
        "remote.origin.proxy",
        "credential.helper",
    ):
        run_git(source, "config", key, str(script))
    for hook in ("post-checkout", "reference-transaction", "pre-auto-gc", "post-update"):
        (source / f".git/hooks/{hook}").symlink_to(script)
    (source / ".git/hooks/post-index-change").write_bytes(script.read_bytes())

    importer.run(DEMO, order_of(source))

    assert not mark.exists()


def test_source_that_lacks_objects_has_nothing_fetched_for_it(
    importer: Importer, site: Site, source: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    partial = tmp_path / "partial"
    run_git(source, "config", "uploadpack.allowFilter", "true")
    run_git(
        tmp_path, "clone", "--quiet", "--bare", "--filter=blob:none", f"file://{source}", "partial"
    )
    run_git(partial, "config", "remote.origin.uploadpack", f"touch {mark}; git-upload-pack")

    with pytest.raises(UnavailableError):
        importer.run(DEMO, order_of(partial))

    assert not mark.exists()
    assert left_behind(site) == []


def test_shallow_source_is_refused(
    importer: Importer, site: Site, source: Path, tmp_path: Path
) -> None:
    run_git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{source}", "shallow")

    with pytest.raises(ConflictError, match="shallow"):
        importer.run(DEMO, order_of(tmp_path / "shallow"))


def test_malformed_object_comes_in_only_when_that_is_wanted(
    importer: Importer, site: Site, source: Path
) -> None:
    entry = b"100644 .git\0" + bytes.fromhex(oid_of(source, "HEAD:file.txt"))
    tree = git_bytes(
        source, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=entry
    )
    bad = git_bytes(source, "commit-tree", "-m", "bad", tree.strip()).decode().strip()
    run_git(source, "update-ref", "refs/heads/bad", bad)

    with pytest.raises(ConflictError) as refused:
        importer.run(DEMO, order_of(source))
    importer.run(DEMO, replace(order_of(source), fsck=False))

    assert "--no-fsck" in str(refused.value.hint)
    assert oid_of(site.folder(DEMO), "bad") == bad


def test_source_that_is_too_large_leaves_nothing(
    importer: Importer, site: Site, source: Path
) -> None:
    (source / "large").write_bytes(random_bytes(2 * 1024**2))
    run_git(source, "add", "large")
    run_git(source, "commit", "--quiet", "-m", "large")

    with pytest.raises(TooLargeError):
        importer.run(DEMO, order_of(source))

    assert left_behind(site) == []


def test_import_that_takes_too_long_leaves_nothing(
    importer: Importer, site: Site, source: Path
) -> None:
    hasty = replace(importer, limits=replace(LIMITS, timeout_s=0.001))

    with pytest.raises(UnavailableError, match="longer"):
        hasty.run(DEMO, order_of(source))

    assert not (site.root / DEMO.disk_path).exists()


def test_name_that_is_taken_is_refused_or_left_as_it_is(
    importer: Importer, site: Site, source: Path
) -> None:
    repo_id = site.create()

    with pytest.raises(ConflictError, match="already"):
        importer.run(DEMO, order_of(source))
    left = importer.run(DEMO, replace(order_of(source), may_exist=True))

    assert (left.id, left.is_changed) == (repo_id, False)


def test_of_many_who_import_to_one_name_one_does(
    importer: Importer, site: Site, source: Path
) -> None:
    failures = run_at_once([lambda: importer.run(DEMO, order_of(source))] * 4)

    assert [failure for failure in failures if not isinstance(failure, ConflictError)] == [None]
    with site.sessions() as session:
        assert session.query(Repository).count() == 1
    assert left_behind(site) == []


def test_second_importer_of_a_name_is_told_at_once(
    importer: Importer, site: Site, source: Path
) -> None:
    with (
        open_staging(site.root, "alice", "demo", head="main", object_format="sha1"),
        pytest.raises(BusyError, match="being imported"),
    ):
        importer.run(RepoName("alice", "Demo"), order_of(source))


def test_import_takes_away_what_a_killed_one_left(
    importer: Importer, site: Site, source: Path
) -> None:
    left = site.root / f"alice/{storage.STAGING}demo.import-0"
    storage.create_bare(site.root, f"alice/{left.name}")
    (left / "objects/pack/tmp_pack_x").write_bytes(b"half")

    importer.run(DEMO, order_of(source))

    assert left_behind(site) == []


def test_import_that_was_killed_before_its_row_is_finished_without_the_source(
    importer: Importer, site: Site, source: Path, tmp_path: Path
) -> None:
    order = order_of(source)
    made = importer.run(DEMO, order)
    with site.sessions.begin() as session:
        session.query(Repository).delete()
    source.rename(tmp_path / "elsewhere")

    again = importer.run(DEMO, order)

    assert again.id == made.id
    assert show_repository(site.sessions, DEMO).default_branch == "trunk"


def test_import_does_not_take_a_folder_that_came_from_elsewhere(
    importer: Importer, site: Site, source: Path
) -> None:
    importer.run(DEMO, replace(order_of(source), description="Another"))
    with site.sessions.begin() as session:
        session.query(Repository).delete()

    with pytest.raises(ConflictError, match="folder in its place"):
        importer.run(DEMO, order_of(source))


def random_bytes(count: int) -> bytes:
    """Return bytes that do not compress, the same each time."""
    return random.Random(1).randbytes(count)
