"""Reads and writes the section ``[wit]`` of a repository's config: a copy of its row.

A rename or a transfer does not move the folder, so the folder's name may be an old one. These
values are a copy of the row, from which an empty database can be rebuilt. If they differ, the row
decides.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wit_admin.errors import ConflictError, UnavailableError
from wit_admin.git.files.locks import acquire, is_locked
from wit_admin.git.files.plain import MAX_CONFIG_BYTES, read_plain
from wit_admin.git.files.writes import sync
from wit_admin.git.repositories.wit_section import has_own, parse_own, render_own

if TYPE_CHECKING:
    import pygit2

_OURS, _DRAFT = "config.wit-", ".draft"
_PATIENCE_S = 5.0
_LOOK_AGAIN_S = 0.02
_MOMENT_S = 60.0
_BRIEFLY_S = 0.1
"""The wait for a lock when thousands are written; the next run writes those still locked."""
_LEAST_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_ADDING = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PAGE = 4096
"""The size of a page; reads and writes within one page are atomic."""


def read_own(gitdir: Path) -> dict[str, str]:
    """Return the values of ``[wit]`` by key; empty when there are none, or no readable config."""
    try:
        return parse_own(read_plain(f"{gitdir}/config", MAX_CONFIG_BYTES))
    except OSError:
        return {}


def add_own(folder: str, values: Mapping[str, str | None]) -> None:
    """Let a repository say what it is; where it said nothing yet, by one short append.

    That is far quicker than a new file in place of the old, and leaves the times of the folder
    alone. Others see all of it or nothing. Who writes the config just then may lose it, but moves
    the folder's time. Durable only after
    :func:`wit_admin.git.files.writes.sync_all`.

    Raises:
        UnavailableError: Another process keeps the config locked.
        OSError: It cannot be written.
    """
    try:
        descriptor = os.open(f"{folder}/config", _ADDING)
    except FileNotFoundError:
        write_own(folder, values, patience_s=_BRIEFLY_S)
        return
    try:
        content = os.read(descriptor, _PAGE)
        section = render_own(values)
        is_short = len(content) + len(section) <= _PAGE
        if is_short and content.endswith(b"\n") and not (has_own(content) or b"\\" in content):
            _append(descriptor, section, stood=len(content))
            return
    finally:
        os.close(descriptor)
    write_own(folder, values, patience_s=_BRIEFLY_S)


def write_own(
    folder: str | Path, values: Mapping[str, str | None], *, patience_s: float = _PATIENCE_S
) -> None:
    """Set values of ``[wit]``, all at once; ``None`` takes one away. Durable when this returns.

    It follows git's locking protocol, and clears the lock of a process of ours that was killed.
    Where there is no config git takes its defaults; one is made that says the same.

    Raises:
        UnavailableError: Somebody else keeps the config locked.
        ConflictError: The config is none that git can read.
    """
    if not values:
        return
    gitdir = Path(folder)
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    present = read_own(gitdir)
    is_locked = (gitdir / "config.lock").exists()
    if not is_locked and all(present.get(key) == value for key, value in values.items()):
        return
    with _locked(gitdir, patience_s) as draft:
        _copy_config(gitdir, draft)
        try:
            _edit(pygit2.Config(str(draft)), values)
        except (pygit2.GitError, ValueError) as error:
            raise ConflictError(
                f"The config of {gitdir.parent.name}/{gitdir.name} is not one that git reads.",
                hint=f"'git config --file {gitdir}/config --list' says what is wrong.",
            ) from error
        sync(draft)
        draft.rename(gitdir / "config")
    sync(gitdir)


def _copy_config(gitdir: Path, draft: Path) -> None:
    try:
        shutil.copyfile(gitdir / "config", draft)
        shutil.copymode(gitdir / "config", draft)
    except FileNotFoundError:
        draft.write_bytes(_LEAST_CONFIG)


def clear_left(gitdir: Path) -> int:
    """Remove what processes left that were killed while they wrote the config; return how much."""
    lock, removed = gitdir / "config.lock", 0
    if lock.exists() and _clear_dead(lock):
        removed += 1
    for path in gitdir.glob(_OURS + "*"):
        ticket = path.with_name(path.name.removesuffix(_DRAFT))
        with contextlib.suppress(FileNotFoundError):
            # A moment passes between creating a draft and locking it.
            is_old = time.time() - path.lstat().st_mtime > _MOMENT_S
            if is_old and not _is_held(ticket):
                path.unlink()
                removed += 1
    return removed


def _edit(config: pygit2.Config, values: Mapping[str, str | None]) -> None:
    for name, value in ((f"wit.{key}", value) for key, value in values.items()):
        # libgit2 neither sets nor deletes what somebody wrote twice.
        if name in config and (value is None or len(list(config.get_multivar(name))) > 1):
            config.delete_multivar(name, ".*")
        if value is not None:
            config[name] = value


@contextlib.contextmanager
def _locked(gitdir: Path, patience_s: float) -> Iterator[Path]:
    # Whoever finds config.lock as a second name of a file of ours that nobody holds, knows that
    # its maker is dead; git's own locks have one name and are left alone.
    descriptor, name = tempfile.mkstemp(prefix=_OURS, dir=gitdir)
    ticket = Path(name)
    draft = ticket.with_name(ticket.name + _DRAFT)
    lock = gitdir / "config.lock"
    try:
        acquire(descriptor)
        _take(ticket, lock, patience_s)
        try:
            _clear_drafts(gitdir)
            yield draft
        finally:
            lock.unlink(missing_ok=True)
    finally:
        draft.unlink(missing_ok=True)
        ticket.unlink(missing_ok=True)
        os.close(descriptor)


def _take(ticket: Path, lock: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            os.link(ticket, lock)
        except FileExistsError:
            if not _clear_dead(lock):
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"The config of {lock.parent.name} is locked.",
                        hint="If no git runs there, remove config.lock in it.",
                    ) from None
                time.sleep(_LOOK_AGAIN_S)
        else:
            return


def _clear_dead(lock: Path) -> bool:
    """Remove a lock of ours whose holder is dead; return whether it is gone."""
    own_names = 2
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return not lock.exists()
    try:
        seen = os.fstat(descriptor)
        if seen.st_nlink != own_names:
            return False
        if not acquire(descriptor, wait=False):
            return False
        if lock.stat().st_ino == seen.st_ino:
            lock.unlink()
    except FileNotFoundError:
        return True
    finally:
        os.close(descriptor)
    return True


def _is_held(ticket: Path) -> bool:
    try:
        return is_locked(ticket)
    except OSError:
        return False


def _clear_drafts(gitdir: Path) -> None:
    # Only the holder of the lock writes drafts, so these belong to dead processes.
    for path in gitdir.glob(_OURS + "*.draft*"):
        path.unlink(missing_ok=True)


def _append(descriptor: int, section: bytes, *, stood: int) -> None:
    try:
        written = os.write(descriptor, section)
    except OSError:
        written = 0
        raise
    finally:
        if written < len(section):
            os.ftruncate(descriptor, stood)
    if written < len(section):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
