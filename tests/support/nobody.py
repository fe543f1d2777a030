"""Doing something without the rights of root."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_nobody_in() -> Iterator[Path]:
    """Make a folder outside of root's, and give up root's rights for a while."""
    folder = Path(tempfile.mkdtemp(prefix="wit-open-"))
    user = os.geteuid()
    try:
        if user == 0:
            shutil.chown(folder, "nobody")
            os.seteuid(pwd.getpwnam("nobody").pw_uid)
        yield folder
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)
