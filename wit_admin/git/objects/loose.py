"""Writes loose objects as git does: atomically and durably.

Source: gitformat-loose(5); git's object-file.c, ``write_loose_object``.
"""

from __future__ import annotations

import os
import secrets
import zlib
from pathlib import Path

from wit_admin.git.objects.small_pack import PackedObject

_ATTEMPTS = 3
_LEVEL = 1
"""git's own for loose objects: the fastest."""


def write_loose(objects: Path, oid: bytes, found: PackedObject) -> None:
    """Write an object below the folder ``objects``; one that is there already stays.

    Raises:
        OSError: The disk refuses.
    """
    name = oid.decode()
    target = objects / name[:2] / name[2:]
    try:
        # git's prune spares what is young, and this one is needed from now on.
        os.utime(target)
    except FileNotFoundError:
        pass
    else:
        return
    data = zlib.compress(found.header + found.content, _LEVEL)
    temporary = objects / ("tmp_obj_" + secrets.token_hex(8))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        _place(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _place(temporary: Path, target: Path) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        target.parent.mkdir(exist_ok=True)
        try:
            temporary.rename(target)
        except FileNotFoundError:
            # A repack that runs beside us removes empty folders.
            if attempt == _ATTEMPTS:
                raise
        else:
            return
