"""Repositories on disk in which somebody has laid traps, before git sees them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wit_admin.errors import ConflictError
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.inspection import Inspector


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repos"
    storage.create_bare(folder, "alice/demo.git")
    return folder


@pytest.fixture
def gitdir(root: Path) -> Path:
    return root / "alice/demo.git"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A repository that is none of the forge's."""
    storage.create_bare(tmp_path / "elsewhere", "private.git")
    return tmp_path / "elsewhere/private.git"


def age(folder: Path) -> None:
    """Wait until what is in ``folder`` counts as settled, so that it is remembered."""
    deadline = time.monotonic() + 60
    while time.time_ns() - folder.stat().st_ctime_ns <= 2_000_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def link(gitdir: Path, name: str, target: Path) -> None:
    path = gitdir / name
    if path.is_dir():
        path.rename(path.with_name(f"old-{path.name}"))
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def fifo(gitdir: Path, name: str) -> None:
    path = gitdir / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def link_twice(gitdir: Path, name: str, target: Path) -> None:
    link(gitdir, "between", target)
    link(gitdir, name, gitdir / "between")


def link_to_fifo(gitdir: Path, name: str) -> None:
    fifo(gitdir, "pipe")
    link(gitdir, name, gitdir / "pipe")


def write(gitdir: Path, name: str, content: str) -> None:
    path = gitdir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def grow(gitdir: Path, name: str) -> None:
    with (gitdir / name).open("ab") as file:
        file.truncate(2 * 1024**3)


def check_all(inspector: Inspector, gitdir: Path) -> None:
    inspector.check(gitdir)
    inspector.check_loose_objects(gitdir)


TRAPS: dict[str, Callable[[Path, Path], None]] = {
    "git file": lambda g, o: write(g, ".git", f"gitdir: {o}\n"),
    "commondir": lambda g, o: write(g, "commondir", f"{o}\n"),
    "alternates": lambda g, o: write(g, "objects/info/alternates", f"{o}/objects\n"),
    "relative alternates": lambda g, o: write(
        g, "objects/info/alternates", "../../../../elsewhere/private.git/objects\n"
    ),
    "alternates after a comment": lambda g, o: write(
        g, "objects/info/alternates", f"# ours\n{o}/objects\n"
    ),
    "quoted alternates": lambda g, o: write(g, "objects/info/alternates", f'"{o}/objects"\n'),
    # git takes the zero byte for the end of the path.
    "zero byte in alternates": lambda g, o: write(g, "objects/info/alternates", f"{o}/objects\0\n"),
    "objects": lambda g, o: link(g, "objects", o / "objects"),
    "packs": lambda g, o: link(g, "objects/pack", o / "objects/pack"),
    "one pack": lambda g, o: link(g, "objects/pack/pack-1.pack", o / "config"),
    "loose objects": lambda g, o: link(g, "objects/ab", o / "objects"),
    "one loose object": lambda g, o: link(g, "objects/ab/cd", o / "config"),
    "refs": lambda g, o: link(g, "refs", o / "refs"),
    "branches": lambda g, o: link(g, "refs/heads", o / "refs/heads"),
    "one branch": lambda g, o: link(g, "refs/heads/deep/main", o / "HEAD"),
    "HEAD": lambda g, o: link(g, "HEAD", o / "HEAD"),
    "packed-refs": lambda g, o: link(g, "packed-refs", o / "config"),
    "config": lambda g, o: link(g, "config", o / "config"),
    "logs": lambda g, o: link(g, "logs", o),
    "info": lambda g, o: link(g, "info", o),
    "link through a link": lambda g, o: link_twice(g, "packed-refs", o / "config"),
    "link to itself": lambda g, o: link(g, "packed-refs", g / "packed-refs"),
    "endless refs": lambda g, o: link(g, "refs/heads/loop", g / "refs"),
    "fifo HEAD": lambda g, o: fifo(g, "HEAD"),
    "fifo config": lambda g, o: fifo(g, "config"),
    "fifo packed-refs": lambda g, o: fifo(g, "packed-refs"),
    "fifo branch": lambda g, o: fifo(g, "refs/heads/team/main"),
    "fifo shallow": lambda g, o: fifo(g, "shallow"),
    "fifo alternates": lambda g, o: fifo(g, "objects/info/alternates"),
    "fifo behind a link": lambda g, o: link_to_fifo(g, "packed-refs"),
    "fifo commit-graph": lambda g, o: fifo(g, "objects/info/commit-graphs/commit-graph-chain"),
    "huge config": lambda g, o: grow(g, "config"),
    "huge packed-refs": lambda g, o: grow(g, "packed-refs"),
    "huge HEAD": lambda g, o: grow(g, "HEAD"),
    "include": lambda g, o: write(g, "config", f"[include]\n\tpath = {o}/config\n"),
    "include behind a header": lambda g, o: write(g, "config", f"[a][INCLUDE]path={o}/config\n"),
    "conditional include": lambda g, o: write(
        g, "config.worktree", f'[includeIf "gitdir:/"]\n\tpath = {o}/config\n'
    ),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_trap_is_refused_by_name(root: Path, gitdir: Path, outside: Path, trap: str) -> None:
    inspector = Inspector((root,))
    check_all(inspector, gitdir)

    TRAPS[trap](gitdir, outside)

    with pytest.raises(ConflictError, match="is not served"):
        check_all(inspector, gitdir)


def test_links_below_the_root_and_linked_hooks_are_fine(
    root: Path, gitdir: Path, tmp_path: Path
) -> None:
    storage.create_bare(root, "alice/fork.git")
    write(root / "alice/fork.git", "objects/info/alternates", "../../demo.git/objects\n")
    link(root / "alice/fork.git", "hooks", tmp_path)
    link(gitdir, "packed-refs", root / "alice/packed")

    Inspector((root,)).check(root / "alice/fork.git")
    Inspector((root,)).check(gitdir)
    link(gitdir, "logs", tmp_path)
    with pytest.raises(ConflictError):
        Inspector((root,)).check(gitdir)


def test_operator_can_share_a_folder_outside(root: Path, gitdir: Path, outside: Path) -> None:
    write(gitdir, "objects/info/alternates", f"{outside}/objects\n")

    with pytest.raises(ConflictError):
        Inspector((root,)).check(gitdir)
    Inspector((root, outside.parent)).check(gitdir)


def test_alternate_of_an_alternate_is_followed(root: Path, gitdir: Path, outside: Path) -> None:
    storage.create_bare(root, "alice/middle.git")
    write(gitdir, "objects/info/alternates", f"{root}/alice/middle.git/objects\n")
    write(root / "alice/middle.git", "objects/info/alternates", f"{outside}/objects\n")

    with pytest.raises(ConflictError):
        Inspector((root,)).check(gitdir)


def test_alternates_in_a_circle_end(root: Path, gitdir: Path) -> None:
    write(gitdir, "objects/info/alternates", f"{gitdir}/objects\n")

    with pytest.raises(ConflictError):
        Inspector((root,)).check(gitdir)


def test_includes_are_obeyed_where_the_operator_trusts_repositories(
    root: Path, gitdir: Path, outside: Path
) -> None:
    write(gitdir, "config", f"[include]\n\tpath = {outside}/config\n")

    with pytest.raises(ConflictError):
        Inspector((root,)).check(gitdir)
    Inspector((root,), allows_includes=True).check(gitdir)


def test_change_in_a_remembered_folder_is_seen(root: Path, gitdir: Path, outside: Path) -> None:
    inspector = Inspector((root,))
    age(gitdir / "objects/pack")
    inspector.check(gitdir)
    inspector.check(gitdir)

    link(gitdir, "objects/pack/pack-1.pack", outside / "config")
    os.utime(gitdir / "objects/pack", (0, 0))

    with pytest.raises(ConflictError):
        inspector.check(gitdir)


@pytest.mark.parametrize(
    "name", ["logs/refs", "logs/refs/heads", "logs/refs/heads/main", "refs/heads/team"]
)
def test_ref_is_not_written_through_a_link(
    root: Path, gitdir: Path, outside: Path, name: str
) -> None:
    link(gitdir, name, outside / "config")

    with pytest.raises(ConflictError, match="leads out"):
        Inspector((root,)).check_refs(gitdir, ["refs/heads/main", "refs/heads/team/x"])


def test_log_of_a_ref_that_leads_to_itself_is_refused(root: Path, gitdir: Path) -> None:
    link(gitdir, "logs/refs/heads/main", gitdir / "logs/refs/heads/main")

    with pytest.raises(ConflictError, match="itself"):
        Inspector((root,)).check_refs(gitdir, ["refs/heads/main"])


def test_log_of_a_ref_is_not_written_to_a_pipe(root: Path, gitdir: Path) -> None:
    fifo(gitdir, "logs/refs/heads/main")

    with pytest.raises(ConflictError, match="neither file nor folder"):
        Inspector((root,)).check_refs(gitdir, ["refs/heads/main", "refs/heads/main/x"])
