"""The Git repository behind a jj repository: where its objects are, and of which kind.

Nothing of it is opened through Git's own discovery, and no setting of it is obeyed but its object
format: whoever can write there must not lead us elsewhere.
Source: jj's lib/src/git_backend.rs; gitrepository-layout(5).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import JjPathError, MissingJjError, NoJjRepositoryError
from wit_admin.git_objects import ALTERNATES_DEPTH, MAX_ALTERNATES_BYTES, parse_alternates
from wit_admin.jj.files import Boundary, list_names, named_failures, read_file

_MAX_POINTER_BYTES = 64 * 1024
_MAX_CONFIG_BYTES = 1024**2
_MAX_SHALLOW_BYTES = 16 * 1024**2
_ID_BYTES = {b"sha1": 20, b"sha256": 32}
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GitDir:
    """A Git directory that was looked at: nothing that we read through it leads out."""

    path: Path
    """The Git directory of ``git_target``; its last part may be a link named ``.git``."""
    common: Path
    """Where objects and references are; the same but for a worktree of Git's."""
    id_bytes: int
    """20 for SHA-1, 32 for SHA-256, other for formats yet unknown."""

    object_folders: tuple[Path, ...]
    """Where objects are: its own folder, then those it borrows from."""

    def read_shallow(self) -> frozenset[str]:
        """Return the commits whose parents a shallow clone left out."""
        try:
            content = read_file(self.common / "shallow", most_bytes=_MAX_SHALLOW_BYTES)
        except MissingJjError:
            return frozenset()
        return frozenset(_OID.findall(content.decode("ascii", "replace")))

    def read_symbolic_ref(self, name: str) -> str | None:
        """Return the target of a ref such as ``refs/remotes/origin/HEAD``, if it is symbolic."""
        try:
            content = read_file(self.common / name, most_bytes=_MAX_POINTER_BYTES)
        except (MissingJjError, JjPathError):
            return None
        text = content.decode("utf-8", "replace")
        return text.removeprefix("ref:").strip() if text.startswith("ref:") else None


def open_git_dir(path: Path, boundary: Boundary) -> GitDir:
    """Look at the Git directory at ``path``, which may be a link or a file that points to it.

    Raises:
        NoJjRepositoryError: There is none.
        JjPathError: A pointer, link or alternate in it leads out of the boundary.
        DamagedJjError: A file that should be small is not.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    gitdir = _follow(path, boundary)
    common = _common(gitdir, boundary)
    if not (common / "objects").is_dir():
        raise NoJjRepositoryError(f"The Git repository {path} is gone.")
    folders = tuple(_object_folders(common / "objects", boundary, depth=0))
    if boundary.root is not None:
        for folder in folders:
            _check_links(folder, boundary)
    return GitDir(gitdir, common, _read_id_bytes(common / "config"), folders)


def _follow(path: Path, boundary: Boundary) -> Path:
    gitdir = boundary.real(path)
    with named_failures(path):
        is_file = gitdir.is_file()
    if is_file:
        content = read_file(gitdir, most_bytes=_MAX_POINTER_BYTES)
        if not content.startswith(b"gitdir:"):
            raise NoJjRepositoryError(f"{path} points to no Git repository.")
        target = os.fsdecode(content.removeprefix(b"gitdir:").strip())
        gitdir = boundary.real(gitdir.parent / target)
    elif not (gitdir / "objects").exists() and (gitdir / ".git").is_dir():
        # jj is told the working copy's folder by some who name a repository elsewhere.
        gitdir = boundary.real(gitdir / ".git")
    return gitdir


def _common(gitdir: Path, boundary: Boundary) -> Path:
    try:
        content = read_file(gitdir / "commondir", most_bytes=_MAX_POINTER_BYTES)
    except MissingJjError:
        return gitdir
    return boundary.real(gitdir / os.fsdecode(content.strip()))


def _object_folders(objects: Path, boundary: Boundary, *, depth: int) -> Iterator[Path]:
    if depth > ALTERNATES_DEPTH:
        raise JjPathError(f"{objects} is reached through too many alternates.")
    yield boundary.real(objects)
    try:
        content = read_file(objects / "info/alternates", most_bytes=MAX_ALTERNATES_BYTES)
        alternates = parse_alternates(str(objects), content)
    except MissingJjError:
        return
    except ValueError:
        raise JjPathError(f"{objects} has an alternate whose path is quoted, or none.") from None
    for alternate in alternates:
        yield from _object_folders(Path(alternate), boundary, depth=depth + 1)


def _check_links(objects: Path, boundary: Boundary) -> None:
    """Refuse links out of the boundary among the folders that objects are looked up in."""
    for folder in (objects, objects / "info", objects / "pack"):
        try:
            names = list_names(folder)
        except MissingJjError:
            continue
        for name in names:
            with named_failures(folder / name):
                is_link = stat.S_ISLNK((folder / name).lstat().st_mode)
            if is_link:
                boundary.real(folder / name)


def _read_id_bytes(config: Path) -> int:
    try:
        content = read_file(config, most_bytes=_MAX_CONFIG_BYTES)
    except MissingJjError:
        return _ID_BYTES[b"sha1"]
    section, name = b"", b"sha1"
    for line in content.lower().splitlines():
        if line.lstrip().startswith(b"["):
            section = line.strip().strip(b"[] \t")
        key, _, value = line.partition(b"=")
        if section == b"extensions" and key.strip() == b"objectformat":
            name = value.strip().strip(b'"')
    return _ID_BYTES.get(name, 0)
