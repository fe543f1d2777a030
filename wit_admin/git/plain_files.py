"""Reads regular files in untrusted folders: no links, no pipes, bounded in size."""

from __future__ import annotations

import errno
import os
import stat

MOST_CONFIG = 1024**2
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_plain(path: str, most: int) -> bytes:
    """Return what is in a file; empty when there is none, or no plain one: a pipe would block.

    Raises:
        OSError: It cannot be read, is a link, or is larger than ``most`` bytes.
    """
    try:
        descriptor = os.open(path, _READING)
    except FileNotFoundError:
        return b""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return b""
        data = os.read(descriptor, min(found.st_size, most) + 1)
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return data
