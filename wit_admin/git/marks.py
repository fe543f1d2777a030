"""Writes what repositories are to say of themselves into many of them at once.

One config at a time needs two syncs of the disk each, which takes longer than all else together.
Here the new contents are written beside the configs first, synced together, and then put in place.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from wit_admin.errors import UnavailableError
from wit_admin.git.own_config import clear_dead_lock, has_own, render_own, write_own
from wit_admin.git.plain_files import MOST_CONFIG, read_plain

_DRAFT = "config.wit-sync.draft"
"""One name, so that the next run finds what one that was killed left. It is among those that
:mod:`own_config` clears away."""
_FEW = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """What one repository is to say of itself; ``path`` is its folder."""

    path: str
    values: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class _Draft:
    mark: Mark
    stood: tuple[int, int, int]


def write_marks(marks: Sequence[Mark]) -> dict[str, str]:
    """Write all marks; return by path why it failed where it did. One process at a time may.

    Durable are the contents, so that no config is ever torn; a mark may be lost to a power cut.
    """
    failures: dict[str, str] = {}
    drafts = []
    for mark in marks:
        try:
            if draft := _prepare(mark):
                drafts.append(draft)
        except (OSError, UnavailableError) as error:
            failures[mark.path] = _reason(error)
    _sync([draft.mark.path for draft in drafts])
    for draft in drafts:
        try:
            _put_in_place(draft)
        except OSError as error:
            failures[draft.mark.path] = _reason(error)
    return failures


def clear_left(path: str) -> None:
    """Remove what a run that was killed left in a repository; while this one alone may run."""
    file, lock = f"{path}/{_DRAFT}", f"{path}/config.lock"
    with suppress(FileNotFoundError):
        left = os.lstat(file)
        # First the lock: without its second name nobody could tell any more whose it is.
        with suppress(FileNotFoundError):
            if os.lstat(lock).st_ino == left.st_ino:
                os.unlink(lock)
        os.unlink(file)


def _prepare(mark: Mark) -> _Draft | None:
    """Write the new config beside the old one, unless it can only be edited in place."""
    config = f"{mark.path}/config"
    clear_left(mark.path)
    before = os.lstat(config)
    content = read_plain(config, MOST_CONFIG)
    if has_own(content):
        write_own(mark.path, mark.values)
        return None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(f"{mark.path}/{_DRAFT}", flags, before.st_mode & 0o777)
    try:
        os.write(descriptor, content + render_own(content, mark.values))
    finally:
        os.close(descriptor)
    return _Draft(mark, _identity(before))


def _sync(paths: Sequence[str]) -> None:
    if len(paths) > _FEW:
        os.sync()
        return
    for path in paths:
        descriptor = os.open(f"{path}/{_DRAFT}", os.O_RDONLY | os.O_CLOEXEC)
        os.fsync(descriptor)
        os.close(descriptor)


def _put_in_place(draft: _Draft) -> None:
    # Locked as own_config does: the lock is a second name of a file that its living maker holds.
    path = draft.mark.path
    file, lock, config = f"{path}/{_DRAFT}", f"{path}/config.lock", f"{path}/config"
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _lock(file, lock)
        if _identity(os.lstat(config)) != draft.stood:
            os.unlink(lock)
            raise OSError(0, "it was changed meanwhile", config)
        # Content and unlocking in one: whoever dies here leaves a config that nobody has locked.
        os.rename(lock, config)
    finally:
        os.unlink(file)
        os.close(descriptor)


def _lock(file: str, lock: str) -> None:
    try:
        os.link(file, lock)
    except FileExistsError:
        if not clear_dead_lock(lock):
            raise
        os.link(file, lock)


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def _reason(error: OSError | UnavailableError) -> str:
    if isinstance(error, UnavailableError):
        return error.message
    return f"Its config cannot be written: {error.strerror}."
