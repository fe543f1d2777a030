"""From a workspace to its stores: pointers of all eras, and those that lead astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.jj_writer import JjWriter, build
from wit_admin.errors import (
    DamagedJjError,
    JjError,
    JjPathError,
    NoJjRepositoryError,
    UnsupportedJjError,
)
from wit_admin.jj.layout import find_workspace, open_layout, read_workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that nothing may lead out of."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def writer(root: Path) -> JjWriter:
    return JjWriter(root / "repo")


def add_workspace(root: Path, pointer: str | bytes) -> Path:
    path = root / "second"
    (path / ".jj").mkdir(parents=True)
    (path / ".jj/repo").write_bytes(os.fsencode(pointer))
    return path


@pytest.mark.parametrize("end", ["", "/", "\n", "\r\n"])
@pytest.mark.parametrize("pointer", ["../../repo/.jj/repo", "{root}/repo/.jj/repo"])
def test_pointer_of_a_second_workspace_may_be_relative_or_absolute(
    writer: JjWriter, root: Path, pointer: str, end: str
) -> None:
    second = add_workspace(root, pointer.format(root=root) + end)

    layout = open_layout(second, root=root)

    assert layout == open_layout(writer.workspace, root=root)
    assert layout.repo == writer.repo


def test_workspace_is_found_above_a_path_but_not_above_the_root(
    writer: JjWriter, root: Path
) -> None:
    inner = writer.workspace / "src/deep"
    inner.mkdir(parents=True)

    assert find_workspace(inner, root=root) == writer.workspace
    with pytest.raises(NoJjRepositoryError):
        find_workspace(inner, root=inner)
    with pytest.raises(NoJjRepositoryError):
        find_workspace(root)


def test_file_named_jj_is_no_workspace(root: Path) -> None:
    (root / ".jj").touch()

    with pytest.raises(NoJjRepositoryError):
        find_workspace(root, root=root)


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("pointer", ["../../gone", "/nonexistent/.jj/repo"])
def test_workspace_whose_repository_is_gone_is_named_so(root: Path, pointer: str) -> None:
    second = add_workspace(root, pointer)

    with pytest.raises(NoJjRepositoryError, match="is gone"):
        open_layout(second)


@pytest.mark.parametrize("pointer", [b"", b"\n", b"\r\n", b"\0", b"../../repo/.jj/repo\0"])
def test_pointer_that_names_no_path_is_refused(
    writer: JjWriter, root: Path, pointer: bytes
) -> None:
    second = add_workspace(root, pointer)

    with pytest.raises(JjPathError):
        open_layout(second, root=root)


def test_pointer_out_of_the_root_is_refused(tmp_path: Path, root: Path) -> None:
    JjWriter(tmp_path / "outside")
    second = add_workspace(root, "../../../outside/.jj/repo")

    assert open_layout(second).repo == tmp_path / "outside/.jj/repo"
    with pytest.raises(JjPathError):
        open_layout(second, root=root)


@pytest.mark.parametrize(
    "place",
    [
        ".jj/repo",
        ".jj/repo/store",
        ".jj/repo/op_store",
        ".jj/repo/op_store/operations",
        ".jj/repo/op_store/views",
        ".jj/repo/op_heads",
        ".jj/repo/op_heads/heads",
        ".jj/repo/store/extra",
        ".jj/repo/store/extra/heads",
        ".jj/repo/store/git",
        ".jj/repo/store/git/objects",
    ],
)
def test_link_out_of_the_root_is_refused(
    tmp_path: Path, writer: JjWriter, root: Path, place: str
) -> None:
    outside = tmp_path / "outside"
    (writer.workspace / place).rename(outside)
    (writer.workspace / place).symlink_to(outside)

    open_layout(writer.workspace)
    with pytest.raises(JjPathError):
        open_layout(writer.workspace, root=root)


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


@pytest.mark.parametrize("store", ["store", "op_store", "op_heads"])
@pytest.mark.parametrize("kind", ["local", "git\n", ""])
def test_stores_of_other_kinds_are_refused(writer: JjWriter, store: str, kind: str) -> None:
    (writer.repo / store / "type").write_text(kind)

    with pytest.raises(UnsupportedJjError):
        open_layout(writer.workspace)


def test_missing_kinds_of_old_repositories_are_taken_for_granted(writer: JjWriter) -> None:
    for path in writer.repo.glob("*/type"):
        path.unlink()

    assert open_layout(writer.workspace).repo == writer.repo


def test_folder_with_half_of_the_stores_is_no_repository(writer: JjWriter) -> None:
    (writer.repo / "op_heads/heads").rmdir()

    with pytest.raises(NoJjRepositoryError, match="op_heads/heads"):
        open_layout(writer.workspace)


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


@pytest.mark.parametrize("place", ["op_store/type", "store/git_target"])
@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "large"])
def test_what_should_be_a_small_file_and_is_not_is_refused(
    writer: JjWriter, place: str, kind: str
) -> None:
    path = writer.repo / place
    path.unlink()
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case _:
            path.touch()
            os.truncate(path, 1024**4)

    with pytest.raises(JjError) as caught:
        open_layout(writer.workspace)

    assert isinstance(caught.value, (DamagedJjError, JjPathError))


def test_workspace_says_its_name_and_its_operation(writer: JjWriter) -> None:
    record = writer.workspace / ".jj/working_copy/checkout"
    record.parent.mkdir()
    unnamed = read_workspace(writer.workspace)
    record.write_bytes(
        build("Checkout", operation_id=b"\1" * 64, workspace_name="other").SerializeToString()
    )

    named = read_workspace(writer.workspace)

    assert (unnamed.name, unnamed.operation_id) == ("default", None)
    assert (named.name, named.operation_id) == ("other", "01" * 64)
