"""Atomic and durable writes of files.

Source: git's lockfile.h.
"""

from __future__ import annotations

import ctypes
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, content: bytes, *, is_durable: bool = False) -> None:
    """Replace the file at ``path``, by temporary name and rename.

    Raises:
        OSError: It cannot be written; nothing has changed.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        draft.rename(path)
    finally:
        # It exists only if something failed, or after Ctrl-C.
        draft.unlink(missing_ok=True)


@contextmanager
def replace_locked(path: Path) -> Iterator[BinaryIO]:
    """Write what is to stand at ``path``, by git's locking protocol. Durable when the context ends.

    Raises:
        FileExistsError: Somebody else has it locked.
        OSError: It cannot be written; nothing has changed.
    """
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
            # Open to the end: what nobody has open counts as left by a killed process.
            lock.rename(path)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Flush a file to disk, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(root: str | Path) -> None:
    """Flush the whole file system of ``root`` to disk."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:  # Linux alone has it
        os.sync()
        return
    descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fspath(root))
    finally:
        os.close(descriptor)
