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
