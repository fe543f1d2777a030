"""Files in which git keeps refs: read only where they are plain, told apart by their times."""

from __future__ import annotations

import os
import stat


class NotPlainError(Exception):
    """git itself must look at this repository."""


def file_mark(path: bytes) -> tuple[int, int, int] | None:
    """Return inode, time of change in nanoseconds and size; ``None`` if there is no file."""
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError:
        raise NotPlainError from None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def read_file(path: bytes, *, most: int) -> bytes:
    """Read a regular file whole.

    Raises:
        FileNotFoundError: There is none.
        NotPlainError: It is something else than a readable file of bearable size.
    """
    try:
        # Not blocking: opening a named pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError:
        raise NotPlainError from None
    with open(descriptor, "rb") as file:  # noqa: PTH123  it is a descriptor
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > most:
            raise NotPlainError
        return file.read(most)
