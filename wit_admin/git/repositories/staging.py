"""A hidden, locked folder in which an import builds its repository."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from wit_admin.errors import BusyError
from wit_admin.git.files.locks import acquire
from wit_admin.git.repositories.storage import STAGING, create_bare, one_at_a_time, remove


@contextlib.contextmanager
def open_staging(
    root: Path, owner: str, name: str, *, head: str, object_format: str
) -> Iterator[Path]:
    """Create a hidden, empty repository for ``owner/name``; remove it at the end.

    It stays if it was renamed. What a killed process left of the same name is removed first.

    Raises:
        BusyError: Another process has one of that name.
    """
    prefix = f"{STAGING}{name.lower()}.import-"
    # Each has its own folder: a git that outlived a killed process may still write to another.
    place = f"{owner}/{prefix}{secrets.token_hex(8)}"
    path, descriptor, is_ours = root / place, -1, False
    try:
        with one_at_a_time(root / owner):
            for left in (root / owner).glob(f"{prefix}*"):
                os.close(_hold(left, name))
                remove(left)
            is_ours = True
            create_bare(root, place, head=head, object_format=object_format)
            descriptor = _hold(path, name)
        yield path
    finally:
        if is_ours and _is_same(path, descriptor):
            shutil.rmtree(path, ignore_errors=True)
        if descriptor >= 0:
            os.close(descriptor)


def _is_same(path: Path, descriptor: int) -> bool:
    """Return whether the folder was not renamed; one that was not locked yet cannot have been."""
    with contextlib.suppress(FileNotFoundError):
        return descriptor < 0 or path.stat().st_ino == os.fstat(descriptor).st_ino
    return False


def _hold(path: Path, name: str) -> int:
    """Lock a folder until the descriptor is closed, by the kernel at the latest."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if not acquire(descriptor, wait=False):
        os.close(descriptor)
        raise BusyError(
            f"{name} is being imported just now.", hint="Try again when that has ended."
        )
    return descriptor
