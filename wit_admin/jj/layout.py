"""From a workspace to the stores behind it: pointer files, kinds of stores, the Git directory.

Everything is resolved anew each time: jj moves the Git directory of live repositories.
Source: jj's lib/src/workspace.rs, lib/src/repo.rs, cli/src/cli_util.rs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import JjPathError, MissingJjError, NoJjRepositoryError, UnsupportedJjError
from wit_admin.jj import schema
from wit_admin.jj.files import Boundary, named_failures, read_file
from wit_admin.jj.git_dir import GitDir, open_git_dir
from wit_admin.jj.ids import COMMIT_ID_BYTES, OperationId
from wit_admin.jj.views import DEFAULT_WORKSPACE

_MAX_POINTER_BYTES = 64 * 1024
_MAX_CHECKOUT_BYTES = 1024**2
_KINDS = {
    "store": b"git",
    "op_store": b"simple_op_store",
    "op_heads": b"simple_op_heads_store",
}
"""The known kinds of stores; other programs may have their own."""
_FOLDERS = ("op_heads/heads", "op_store/operations", "op_store/views")
_MAYBE_FOLDERS = ("store/extra", "store/extra/heads", "index/segments", "index/op_links")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the stores of a repository are. All its workspaces have the same ``repo``."""

    repo: Path
    """The real path of jj's repository folder, which identifies the repository."""
    git: GitDir

    @property
    def op_heads(self) -> Path:
        """The folder to watch: the names of current operations."""
        return self.repo / "op_heads/heads"

    @property
    def op_store(self) -> Path:
        """Operations and views."""
        return self.repo / "op_store"

    @property
    def extras(self) -> Path:
        """The stacked table with what jj stores of commits outside of Git."""
        return self.repo / "store/extra"

    @property
    def index(self) -> Path:
        """The commit index of jj, which may be outdated or absent."""
        return self.repo / "index"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One working copy of a repository on disk."""

    path: Path
    name: str
    operation_id: OperationId | None
    """The operation that its files were last updated to; ``None`` if unknown."""


def find_workspace(path: Path, *, root: Path | None = None) -> Path:
    """Return the folder at or above ``path`` that has a ``.jj``; not above ``root``.

    Raises:
        NoJjRepositoryError: There is none.
        JjPathError: ``path`` is not below ``root``.
    """
    start = Boundary(root).real(path)
    top = Path(os.path.realpath(root)) if root is not None else None
    for folder in (start, *start.parents):
        with named_failures(folder):
            if (folder / ".jj").is_dir():
                return folder
        if folder == top:
            break
    raise NoJjRepositoryError(f"There is no jj repository at {path}.")


def open_layout(workspace: Path, *, root: Path | None = None) -> Layout:
    """Return where the stores behind a workspace are.

    With a ``root``, no path that is read leads out of it. Only the present state is checked, so the
    permissions of the disk must keep out those who could change it meanwhile.

    Raises:
        NoJjRepositoryError: The workspace, its repository or its Git directory is gone.
        UnsupportedJjError: Its stores are of other kinds.
        JjPathError: A pointer or a link leads out of ``root``.
        DamagedJjError: A pointer is no such file.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    boundary = Boundary(root)
    repo = _repo_folder(boundary.real(workspace / ".jj") / "repo", boundary)
    for store, kind in _KINDS.items():
        _check_kind(boundary.real(repo / store), kind)
    for folder in _FOLDERS:
        if not boundary.real(repo / folder).is_dir():
            raise NoJjRepositoryError(f"{repo} is not a whole jj repository: no {folder}.")
    for folder in _MAYBE_FOLDERS:
        boundary.real(repo / folder)
    git = open_git_dir(_git_target(repo / "store"), boundary)
    if git.id_bytes not in COMMIT_ID_BYTES:
        raise UnsupportedJjError(f"The object format of {git.path} is not known.")
    return Layout(repo=repo, git=git)


def find_op_heads_folder(workspace: Path, *, root: Path | None = None) -> Path:
    """Return the folder to watch; it is cheap, since nothing else is checked.

    Raises:
        NoJjRepositoryError: The workspace has no repository any more.
        JjPathError: A pointer or a link leads out of ``root``.
        DamagedJjError: A pointer is no such file.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    boundary = Boundary(root)
    repo = _repo_folder(boundary.real(workspace / ".jj") / "repo", boundary)
    return boundary.real(repo / "op_heads/heads")


def read_workspace(path: Path) -> Workspace:
    """Return the record of a workspace about itself; ``path`` is the folder with its ``.jj``.

    Raises:
        DamagedJjError: Its record is torn.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    try:
        content = read_file(path / ".jj/working_copy/checkout", most_bytes=_MAX_CHECKOUT_BYTES)
    except MissingJjError:
        return Workspace(path, DEFAULT_WORKSPACE, None)
    checkout = schema.parse("Checkout", content, what=f"The checkout record of {path}")
    return Workspace(
        path, checkout.workspace_name or DEFAULT_WORKSPACE, checkout.operation_id.hex() or None
    )


def _repo_folder(pointer: Path, boundary: Boundary) -> Path:
    """Return the repository folder that ``.jj/repo`` is, or names."""
    with named_failures(pointer):
        is_file = not pointer.is_symlink() and pointer.is_file()
    if is_file:
        target = _pointed(read_file(pointer, most_bytes=_MAX_POINTER_BYTES), pointer)
        repo = boundary.real(pointer.parent / target)
    else:
        repo = boundary.real(pointer)
    with named_failures(pointer):
        if not repo.is_dir():
            raise NoJjRepositoryError(
                f"The repository of the workspace {pointer.parent.parent} is gone.",
                hint="It was moved or removed; 'jj workspace add' makes a new workspace of it.",
            )
    return repo


def _git_target(store: Path) -> Path:
    content = read_file(store / "git_target", most_bytes=_MAX_POINTER_BYTES)
    target = _pointed(content, store / "git_target")
    path = store / target
    # A ".git" at the end may be a link or a file, which is read later; its parent is resolved here.
    return Path(os.path.realpath(path.parent)) / ".git" if path.name == ".git" else path


def _pointed(content: bytes, pointer: Path) -> str:
    # jj writes no line end, but an editor may add one when somebody repairs the file by hand.
    target = content.removesuffix(b"\n").removesuffix(b"\r")
    if not target or b"\0" in target:
        raise JjPathError(f"{pointer} names no path.")
    return os.fsdecode(target)


def _check_kind(store: Path, kind: bytes) -> None:
    try:
        found = read_file(store / "type", most_bytes=_MAX_POINTER_BYTES)
    except MissingJjError:
        # jj before 0.19 took a missing type for the usual one; the folders are checked anyway.
        return
    if found != kind:
        shown = found[:32].decode("utf-8", "replace")
        raise UnsupportedJjError(
            f"{store} is a store of the kind {shown!r}, not {kind.decode()!r}."
        )
