"""Bare repositories on disk: created, found, moved and removed, always below one root."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wit_admin.errors import NotAllowedError
from wit_admin.git.files.locks import is_locked, lock_folder
from wit_admin.git.files.writes import sync, write_whole
from wit_admin.git.refs.names import HEADS_TEXT
from wit_admin.git.repositories.wit_section import render_own

if TYPE_CHECKING:
    import pygit2

T = TypeVar("T")

STAGING, CONDEMNED = ".new~", ".old~"
"""Prefixes of folders that are being created or removed; no repository's name has a tilde."""
_ABANDONED_S = 3600.0


@dataclass(frozen=True, slots=True)
class RepositoryPath:
    """The real path of a repository, below the root."""

    gitdir: Path


def create_bare(
    root: Path,
    disk_path: str,
    *,
    head: str = "main",
    object_format: str = "sha1",
    own: Mapping[str, str | None] | None = None,
) -> bool:
    """Create an empty bare repository at ``root/disk_path``; return false if the path exists.

    ``own`` is what it says about itself, see :mod:`wit_admin.git.repositories.wit_section`.

    It is made under a temporary name and renamed, so it is whole or not there. Of many at once
    one wins.
    """
    target = root / disk_path
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=target.parent))
    try:
        _write_skeleton(staging, head, object_format, own or {})
        # rename(2) replaces an empty folder only; a repository is never empty.
        staging.rename(target)
    except OSError:
        if target.exists():
            return False
        raise
    finally:
        # It exists only if something failed, or after Ctrl-C.
        shutil.rmtree(staging, ignore_errors=True)
    sync(target.parent)
    return True


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a lock under which repositories are created in and removed from ``folder``."""
    with lock_folder(folder):
        yield


def sweep_half_made(folder: Path) -> None:
    """Remove incomplete repositories that killed processes left in ``folder`` an hour ago."""
    for left in folder.glob(STAGING + "*"):
        # Leave alone what this program does not create, such as a plain file or a link.
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_S and not is_locked(left):
                shutil.rmtree(left, ignore_errors=True)


def resolve(root: Path, disk_path: str) -> RepositoryPath | None:
    """Return the repository at ``root/disk_path``, bare or not; ``None`` if there is none.

    Symbolic links are followed as long as they stay below the root.
    """
    base = os.path.realpath(root)
    real = os.path.realpath(f"{base}/{disk_path}")
    if not real.startswith(base + os.sep):
        return None
    if _looks_like_repository(real):
        return RepositoryPath(Path(real))
    inner = os.path.realpath(f"{real}/.git")
    if inner.startswith(base + os.sep) and _looks_like_repository(inner):
        return RepositoryPath(Path(inner))
    return None


def has_folder(root: Path, disk_path: str) -> bool:
    """Return whether there is a folder, of a whole repository or not, below the root.

    Raises:
        OSError: It cannot be told.
    """
    base = os.path.realpath(root)
    real = os.path.realpath(f"{base}/{disk_path}")
    try:
        return real.startswith(base + os.sep) and stat.S_ISDIR(Path(real).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def find_on_disk(root: Path, owner: str, name: str) -> RepositoryPath | None:
    """Return ``owner/name.git`` or ``owner/name`` below the root, in just this case."""
    return resolve(root, f"{owner}/{name}.git") or resolve(root, f"{owner}/{name}")


def is_pristine(gitdir: Path) -> bool:
    """Return whether a repository has no refs yet, neither loose nor packed."""
    try:
        has_loose = any(not path.is_dir() for path in (gitdir / "refs").rglob("*"))
        return not has_loose and not (gitdir / "packed-refs").exists()
    except OSError:
        return False


def says_yes(gitdir: Path, key: str) -> bool:
    """Return whether a repository's config sets ``key`` to true; false if it is unreadable."""
    return _says(gitdir, key) is True


def check_switch(gitdir: Path, service: str) -> None:
    """Check that a repository's config does not refuse ``upload-pack`` or ``receive-pack``.

    Source: git-http-backend(1), ``http.uploadpack`` and ``http.receivepack``.

    Raises:
        NotAllowedError: It does.
    """
    key = f"http.{service.replace('-', '')}"
    if _says(gitdir, key) is False:
        what = "fetches" if service == "upload-pack" else "pushes"
        raise NotAllowedError(
            f"This repository takes no {what} over HTTP.",
            hint=f"Its config says so: {key} is false.",
        )


def _says(gitdir: Path, key: str) -> bool | None:
    return read_setting(gitdir, lambda config: config.get_bool(key))


def read_setting(gitdir: Path, read: Callable[[pygit2.Config], T]) -> T | None:
    """Return what ``read`` finds in a repository's config; ``None`` if it is not there, or odd."""
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    try:
        return read(pygit2.Config(str(gitdir / "config")))
    except (KeyError, ValueError, OSError, pygit2.GitError):
        return None


def write_description(gitdir: Path, text: str | None) -> None:
    """Write the file ``description``, which programs like gitweb show; ``None`` removes it."""
    target = gitdir / "description"
    if text is None:
        target.unlink(missing_ok=True)
        return
    write_whole(target, f"{text}\n".encode())


def write_blob(gitdir: Path, data: bytes) -> str:
    """Write a blob into a repository; return its id."""
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    database = pygit2.Odb(str(gitdir / "objects"))
    return str(database.write(pygit2.enums.ObjectType.BLOB, data))


def move(gitdir: Path, target: Path) -> None:
    """Move a repository to a place below the same root where nothing is. Durable on return."""
    target.parent.mkdir(parents=True, exist_ok=True)
    gitdir.rename(target)
    sync(target.parent)
    sync(gitdir.parent)


def remove(gitdir: Path) -> None:
    """Remove a repository; its owner's folder stays, since others may be using it."""
    condemned = Path(tempfile.mkdtemp(prefix=CONDEMNED, dir=gitdir.parent))
    gitdir.rename(condemned / "repository")
    shutil.rmtree(condemned, ignore_errors=True)


def _write_skeleton(
    folder: Path, head: str, object_format: str, own: Mapping[str, str | None]
) -> None:
    folder.chmod(0o755)
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (folder / name).mkdir(parents=True)
    version, extension = 0, ""
    if object_format != "sha1":
        version, extension = 1, f"[extensions]\n\tobjectFormat = {object_format}\n"
    config = (
        f"[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = true\n"
        + extension
    )
    (folder / "config").write_bytes(config.encode() + (render_own(own) if own else b""))
    (folder / "HEAD").write_text(f"ref: {HEADS_TEXT}{head}\n", encoding="utf-8")


def _looks_like_repository(path: str) -> bool:
    return (
        os.path.isdir(f"{path}/objects")  # noqa: PTH112  false, not an error, where we may not look
        and os.path.isdir(f"{path}/refs")  # noqa: PTH112
        and os.path.lexists(f"{path}/HEAD")
    )
