"""Reads regular files in untrusted folders: no links, no pipes, bounded in size."""

from __future__ import annotations

import errno
import os
import stat

MAX_CONFIG_BYTES = 1024**2
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PAGE = 4096
_NO_FILE = (errno.ESPIPE, errno.EISDIR)
"""The errors of reading at an offset in a pipe, or in a folder."""


def read_plain(path: str, most: int) -> bytes:
    """Return the content of a file; empty if there is no regular file, since a pipe would block.

    Raises:
        OSError: It cannot be read, is a link, or is larger than ``most`` bytes.
    """
    try:
        descriptor = os.open(path, _READING)
    except FileNotFoundError:
        return b""
    try:
        # A short file, as nearly all are, needs no second call: it is regular, and was read whole.
        data = os.pread(descriptor, _PAGE, 0)
        if len(data) == _PAGE:
            found = os.fstat(descriptor)
            is_plain = stat.S_ISREG(found.st_mode)
            data = os.pread(descriptor, min(found.st_size, most) + 1, 0) if is_plain else b""
    except OSError as error:
        if error.errno in _NO_FILE:
            return b""
        raise
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return data
