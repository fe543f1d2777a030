"""Points HEAD of a repository without branches at the first one that is pushed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from wit_admin.errors import ConflictError
from wit_admin.git import storage, sweep
from wit_admin.git.ref_names import HEADS_TEXT
from wit_admin.git.ref_values import read_ref
from wit_admin.services.ref_updates import RefUpdate

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
                storage.set_head(gitdir, branch)
            except FileExistsError:
                if time.monotonic() > give_up and not sweep.sweep(gitdir, ()):
                    raise ConflictError(
                        "HEAD is locked just now.",
                        hint="Try again; if no git runs there, remove HEAD.lock.",
                    ) from None
                time.sleep(_LOOK_AGAIN_S)
            else:
                return


@contextmanager
def pointing_head(gitdir: Path, accepted: Sequence[RefUpdate]) -> Iterator[str | None]:
    """Point HEAD at the first pushed branch, and yield that branch if HEAD moved.

    No other push moves HEAD until the block ends, so that the row can get the same branch.
    """
    branches = [
        update.ref.removeprefix(HEADS_TEXT)
        for update in accepted
        if update.ref.startswith(HEADS_TEXT) and update.kind != "deleted"
    ]
    if not branches or not _is_head_unborn(gitdir):
        yield None
        return
    with storage.one_at_a_time(gitdir):
        yield _point_head(gitdir, storage.choose_head(branches))


def _point_head(gitdir: Path, branch: str) -> str | None:
    # Check again, because another push may have been first.
    if not _is_head_unborn(gitdir):
        return None
    # If HEAD is locked or the disk is full, the next push of a branch will do it.
    with suppress(OSError):
        storage.set_head(gitdir, branch)
        return branch
    return None


def _is_head_unborn(gitdir: Path) -> bool:
    head = storage.read_head(gitdir)
    return head is not None and read_ref(gitdir, HEADS_TEXT + head) is None
