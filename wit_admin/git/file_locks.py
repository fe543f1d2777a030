"""Locks on files and folders, which the kernel releases when their holder ends.

Source: flock(2): the lock belongs to the open file, and ends with its last descriptor.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def is_locked(path: Path) -> bool:
    """Tell whether a process that lives has a file or folder locked; links are not followed.

    Raises:
        OSError: It cannot be opened; ``FileNotFoundError`` where nothing is.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # Shared, so that two who ask do not take each other for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
