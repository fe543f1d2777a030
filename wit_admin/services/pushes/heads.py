"""Points HEAD of a repository without branches at the first one that is pushed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from wit_admin.git.refs.head import choose_head, read_head, set_head
from wit_admin.git.refs.names import HEADS_TEXT
from wit_admin.git.refs.values import read_ref
from wit_admin.git.repositories import storage
from wit_admin.services.pushes.ref_updates import RefUpdate


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
        yield _point_head(gitdir, choose_head(branches))


def _point_head(gitdir: Path, branch: str) -> str | None:
    # Check again, because another push may have been first.
    if not _is_head_unborn(gitdir):
        return None
    # If HEAD is locked or the disk is full, the next push of a branch will do it.
    with suppress(OSError):
        set_head(gitdir, branch)
        return branch
    return None


def _is_head_unborn(gitdir: Path) -> bool:
    head = read_head(gitdir)
    return head is not None and read_ref(gitdir, HEADS_TEXT + head) is None
