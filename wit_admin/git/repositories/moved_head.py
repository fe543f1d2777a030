"""Points HEAD of a repository at another branch, while pushes and other processes are at work."""

from __future__ import annotations

import time
from pathlib import Path

from wit_admin.errors import ConflictError
from wit_admin.git.refs.head import set_head
from wit_admin.git.repositories import storage, sweep

_PATIENCE_S = 0.5
"""No live process holds the lock of HEAD for so long."""
_LOOK_AGAIN_S = 0.02


def move_head(gitdir: Path, branch: str) -> None:
    """Point HEAD at ``branch``, even if a killed process left it locked.

    Raises:
        ConflictError: Another process keeps it locked.
    """
    give_up = time.monotonic() + _PATIENCE_S
    with storage.one_at_a_time(gitdir):
        while True:
            try:
                set_head(gitdir, branch)
            except FileExistsError:
                if time.monotonic() > give_up and not sweep.sweep(gitdir, ()):
                    raise ConflictError(
                        "HEAD is locked just now.",
                        hint="Try again; if no git runs there, remove HEAD.lock.",
                    ) from None
                time.sleep(_LOOK_AGAIN_S)
            else:
                return
