"""Locks on files and folders, which the kernel releases when their holder ends.

Source: flock(2): the lock belongs to the open file, and ends with its last descriptor.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def acquire(descriptor: int, *, wait: bool = True) -> bool:
    """Lock an open file or folder; return false if another holds it and ``wait`` is false."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Hold a lock on an open file, which stays open afterwards."""
    acquire(descriptor)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def lock_file(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Create and lock a file; yield whether it got the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield acquire(descriptor, wait=wait)
    finally:
        os.close(descriptor)


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Create and lock a folder; wait for its present holder."""
    path.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        acquire(descriptor)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return whether a live process holds a lock on a file or folder; links are not followed.

    Raises:
        OSError: It cannot be opened; ``FileNotFoundError`` where nothing is.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # A shared lock, so that two processes that check do not see each other as holders.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
