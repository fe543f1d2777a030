"""What is no bare repository in its place is told, and left alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.databases import migrated
from tests.support.nobody import as_nobody_in
from tests.support.server import run_git
from tests.support.sync_site import Site
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.names import RepoName
from wit_admin.services.repositories import trash


def test_odd_things_are_told_and_left_alone(ground: Site, tmp_path: Path) -> None:
    ground.add("alice/good.git")
    (ground.root / "alice/in").symlink_to("good.git")
    (ground.root / "alice/out").symlink_to(tmp_path)
    (ground.root / "eve").symlink_to(tmp_path)
    run_git(ground.root, "init", "--quiet", "alice/work")
    (ground.root / "alice/jj/.jj/repo").mkdir(parents=True)
    # Beside its repository a workspace is nothing odd.
    (ground.root / "alice/good/.jj").mkdir(parents=True)
    ground.add("alice/deep/er.git")
    ground.add("alice/Good")
    ground.add("alice/what is it.git")
    ground.add("top.git")
    shutil.copytree(ground.root / "alice/good.git", ground.root / os.fsdecode(b"bob/\xff.git"))
    (ground.root / "alice/broken.git/objects").mkdir(parents=True)
    (ground.root / "alice/.new~abc").mkdir()
    (ground.root / "alice/.old~abc").mkdir()
    os.utime(ground.root / "alice/.old~abc", (0, 0))

    ground.sync()

    assert set(ground.rows()) == {"alice/good"}
    assert ground.remarks() == {
        "alice/in": "link",
        "alice/out": "link-out",
        "eve": "link-out",
        "alice/work": "non-bare",
        "alice/jj": "jj",
        "alice/deep": "nested",
        "alice/Good": "twin",
        "alice/what is it.git": "odd-name",
        "top.git": "misplaced",
        os.fsdecode(b"bob/\xff.git"): "odd-name",
        "alice/broken.git": "broken",
        "alice/.old~abc": "half-made",
    }
    assert (ground.root / "alice/.old~abc").exists()


def test_jj_without_a_repository_beside_it_is_told_with_what_makes_one(
    ground: Site, tmp_path: Path
) -> None:
    for name in ("internal", "odd.git"):
        (ground.root / f"alice/{name}/.jj/repo").mkdir(parents=True)
    for name, target in (
        ("second", "../../internal/.jj/repo"),
        ("absolute", ground.root / "alice/internal/.jj/repo"),
        ("outside", tmp_path),
        ("linked", ""),
    ):
        (ground.root / f"alice/{name}/.jj").mkdir(parents=True)
        (ground.root / f"alice/{name}/.jj/repo").write_text(f"{target}\n")
    (ground.root / "alice/linked/.jj/repo").unlink()
    (ground.root / "alice/linked/.jj/repo").symlink_to(tmp_path)
    (ground.root / "alice/empty/.jj").mkdir(parents=True)

    remarks = {remark.target: remark for remark in ground.sync().remarks}

    assert {path: remark.kind for path, remark in remarks.items() if remark.kind != "jj"} == {
        "alice/empty": "broken"
    }
    for name in ("internal", "second", "absolute", "outside", "linked"):
        assert (
            f"'wit-admin repo create alice/{name}' makes one" in remarks[f"alice/{name}"].sentence
        )
    assert "move it to alice/odd, 'wit-admin repo create alice/odd'" in (
        remarks["alice/odd.git"].sentence
    )
    for name in ("second", "absolute"):
        assert "of the jj repository in alice/internal," in remarks[f"alice/{name}"].sentence
    assert "outside of the root" in remarks["alice/outside"].sentence


def test_repository_without_a_config_gets_one(ground: Site) -> None:
    (ground.add("alice/demo.git") / "config").unlink()

    applied = ground.sync()

    assert (applied.failures, applied.remarks) == ((), ())
    assert ground.own("alice/demo.git")["name"] == "demo"
    said = run_git(ground.root / "alice/demo.git", "rev-parse", "--is-bare-repository")
    assert said.stdout.strip() == "true"
    ground.assert_settled()


def test_config_that_is_no_file_is_told_and_is_no_failure(ground: Site) -> None:
    for name in ("folder", "pipe", "good"):
        ground.add(f"alice/{name}.git")
    ground.add("bob/known.git")
    ground.sync(owner="bob")
    for path in ("alice/folder.git", "alice/pipe.git", "bob/known.git"):
        (ground.root / path / "config").unlink()
    (ground.root / "alice/folder.git/config").mkdir()
    os.mkfifo(ground.root / "alice/pipe.git/config")
    os.mkfifo(ground.root / "bob/known.git/config")

    applied = ground.sync()

    applied.raise_for_failures()
    assert set(ground.rows()) == {"alice/good", "bob/known"}
    told = {"alice/folder.git": "broken", "alice/pipe.git": "broken", "bob/known.git": "broken"}
    assert ground.remarks() == told


def test_pipe_in_a_repository_does_not_block(ground: Site) -> None:
    folder = ground.add("alice/demo.git")
    os.mkfifo(folder / "description")

    ground.sync()

    assert set(ground.rows()) == {"alice/demo"}


def test_head_that_git_would_not_take_is_a_failure(ground: Site) -> None:
    for name in ("pipe", "empty", "strange", "detached", "link", "good"):
        folder = ground.add(f"alice/{name}.git")
        if name in {"pipe", "link"}:
            (folder / "HEAD").unlink()
    os.mkfifo(ground.root / "alice/pipe.git/HEAD")
    (ground.root / "alice/link.git/HEAD").symlink_to("/etc/passwd")
    for name, content in {"empty": "", "strange": "ref: main\n", "detached": "a" * 40}.items():
        (ground.root / f"alice/{name}.git/HEAD").write_text(content)

    applied = ground.sync()

    assert set(ground.rows()) == {"alice/detached", "alice/good"}
    told = {remark.target: remark.is_failure for remark in applied.remarks}
    assert told == {f"alice/{name}.git": True for name in ("pipe", "link", "empty", "strange")}


def test_unreadable_folder_is_a_failure_and_never_pruned() -> None:
    # Root may read everything, so this runs as somebody else, where everybody may be.
    with as_nobody_in() as folder:
        engine = open_engine(migrated(f"sqlite:///{folder}/wit.db"))
        ground = Site(make_sessions(engine), folder / "repos")
        ground.add("alice/demo.git")
        ground.add("bob/other.git")
        ground.sync()
        (ground.root / "alice").chmod(0)

        applied = ground.sync(prune=True, max_prune_percent=100)

        assert [remark.target for remark in applied.remarks if remark.is_failure] == ["alice"]
        with pytest.raises(PermissionError):
            trash.delete_repository(ground.sessions, ground.root, RepoName("alice", "demo"))
        assert set(ground.rows()) == {"alice/demo", "bob/other"}
        (ground.root / "alice").chmod(0o755)
        engine.dispose()


def test_config_that_leads_elsewhere_fails_alone(ground: Site, tmp_path: Path) -> None:
    for name in "abc":
        ground.add(f"alice/{name}.git")
    config = ground.root / "alice/b.git/config"
    config.rename(tmp_path / "config")
    config.symlink_to(tmp_path / "config")

    applied = ground.sync()

    assert applied.done == {"owner": 1, "adopt": 2}
    assert [remark.target for remark in applied.remarks if remark.is_failure] == ["alice/b.git"]
    assert b"[wit]" not in (tmp_path / "config").read_bytes()
    config.unlink()
    (tmp_path / "config").rename(config)
    assert ground.sync().done == {"adopt": 1}
    ground.assert_settled()


def test_config_that_is_locked_fails_alone_and_is_marked_later(ground: Site) -> None:
    for name in "abcde":
        ground.add(f"alice/{name}.git", own={"name": "x"})
    lock = ground.root / "alice/b.git/config.lock"
    lock.touch()

    applied = ground.sync()

    assert applied.done == {"owner": 1, "adopt": 4}
    assert [failure.target for failure in applied.failures] == ["alice/b"]
    [event] = ground.audited("repository.adopt")
    assert event.after == {"repositories": [f"alice/{name}" for name in "acde"]}
    lock.unlink()
    assert ground.sync().done == {"adopt": 1}
    assert list(ground.root.rglob("config.wit-*")) == []
    ground.assert_settled()


def test_ref_folder_that_leads_elsewhere_is_not_followed(ground: Site, tmp_path: Path) -> None:
    folder = ground.add("alice/demo.git")
    shutil.rmtree(folder / "refs")
    (tmp_path / "heads").mkdir()
    (folder / "refs").symlink_to(tmp_path)

    ground.sync(verify=True)

    assert ground.rows()["alice/demo"].pushed_at is None


def test_head_that_is_a_link_names_its_branch(ground: Site) -> None:
    folder = ground.add("alice/demo.git")
    (folder / "HEAD").unlink()
    (folder / "HEAD").symlink_to("refs/heads/trunk")

    ground.sync()

    assert ground.rows()["alice/demo"].default_branch == "trunk"


def test_text_that_no_database_takes_is_left_out(ground: Site) -> None:
    own = {"id": "none", "owner": "../..", "name": "up", "visibility": "secret"}
    own["archived-at"] = "0001-01-01T00:00:00+14:00"  # in UTC, a year that no calendar has
    folder = ground.add("alice/demo.git", own=own)
    (folder / "description").write_bytes(b"one\0two \xff")
    (folder / "HEAD").write_bytes(b"ref: refs/heads/a\0b\n")

    ground.sync()

    row = ground.rows()["alice/demo"]
    assert (row.description, row.default_branch) == ("onetwo \N{REPLACEMENT CHARACTER}", "main")
    assert row.archived_at is None
    ground.assert_settled()
