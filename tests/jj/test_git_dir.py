"""The Git directory behind a jj repository: where it is, what it borrows, and what leads astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.jj_writer import JjWriter
from wit_admin.errors import (
    JjPathError,
    NoJjRepositoryError,
    UnsupportedJjError,
)
from wit_admin.jj.layout import open_layout


@pytest.mark.parametrize("place", ["objects/info/alternates", "objects/pack/x", "objects/ab"])
def test_git_objects_from_out_of_the_root_are_refused(
    tmp_path: Path, writer: JjWriter, root: Path, place: str
) -> None:
    (tmp_path / "outside").mkdir()
    path = writer.gitdir / place
    if place.endswith("alternates"):
        path.write_text(f"# ours\n{tmp_path}/outside\n")
    else:
        path.symlink_to(tmp_path / "outside")

    open_layout(writer.workspace)
    with pytest.raises(JjPathError):
        open_layout(writer.workspace, root=root)


@pytest.mark.parametrize("line", ['"{gitdir}/objects"', "{gitdir}/objects\0"])
def test_alternates_that_are_no_plain_paths_are_refused(
    writer: JjWriter, root: Path, line: str
) -> None:
    path = writer.gitdir / "objects/info/alternates"
    path.write_text(line.format(gitdir=writer.gitdir) + "\n")

    with pytest.raises(JjPathError, match="quoted, or none"):
        open_layout(writer.workspace, root=root)


def test_alternates_in_a_circle_are_refused(writer: JjWriter, root: Path) -> None:
    (writer.gitdir / "objects/info/alternates").write_text(f"{writer.gitdir}/objects\n")

    with pytest.raises(JjPathError):
        open_layout(writer.workspace, root=root)


@pytest.mark.parametrize("target", ["git", "git\n", "git\r\n", "../../../.git", "{root}/repo/.git"])
def test_git_directory_is_where_git_target_says(writer: JjWriter, root: Path, target: str) -> None:
    if ".git" in target:
        writer.gitdir.rename(writer.workspace / ".git")
    (writer.repo / "store/git_target").write_bytes(os.fsencode(target.format(root=root)))

    layout = open_layout(writer.workspace, root=root)

    assert (layout.git.path / "objects").is_dir()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_last_part_of_git_target_may_point_on(
    tmp_path: Path, writer: JjWriter, root: Path, kind: str
) -> None:
    elsewhere = root / "elsewhere"
    writer.gitdir.rename(elsewhere)
    pointer = writer.workspace / ".git"
    if kind == "link":
        pointer.symlink_to(elsewhere)
    else:
        pointer.write_text("gitdir: ../elsewhere\n")
    (writer.repo / "store/git_target").write_text("../../../.git")

    assert open_layout(writer.workspace, root=root).git.path == elsewhere
    with pytest.raises(JjPathError):
        open_layout(writer.workspace, root=writer.workspace)


def test_objects_of_a_worktree_of_git_are_in_its_common_directory(
    writer: JjWriter, root: Path
) -> None:
    worktree = writer.gitdir / "worktrees/one"
    worktree.mkdir(parents=True)
    (worktree / "commondir").write_text("../..\n")
    (writer.repo / "store/git_target").write_text("git/worktrees/one")

    layout = open_layout(writer.workspace, root=root)

    assert layout.git.object_folders == (writer.gitdir / "objects",)


def test_missing_git_directory_is_named(writer: JjWriter, root: Path) -> None:
    writer.gitdir.rename(root / "elsewhere")

    with pytest.raises(NoJjRepositoryError, match="Git repository"):
        open_layout(writer.workspace, root=root)


@pytest.mark.parametrize(
    ("config", "id_bytes"),
    [
        ("[core]\n\tbare = true\n", 20),
        ("[extensions]\n\tobjectFormat = sha256\n", 32),
        ('[Extensions]\n objectformat="SHA1"\n', 20),
        ("[other]\n\tobjectFormat = sha256\n", 20),
    ],
)
def test_object_format_is_that_of_the_git_directory(
    writer: JjWriter, config: str, id_bytes: int
) -> None:
    (writer.gitdir / "config").write_text(config)

    assert open_layout(writer.workspace).git.id_bytes == id_bytes


def test_unknown_object_format_is_refused(writer: JjWriter) -> None:
    (writer.gitdir / "config").write_text("[extensions]\n\tobjectFormat = blake3\n")

    with pytest.raises(UnsupportedJjError):
        open_layout(writer.workspace)
