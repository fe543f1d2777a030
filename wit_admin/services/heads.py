"""Points HEAD of an empty repository at the first branch that is pushed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from wit_admin.git import storage
from wit_admin.git.ref_names import HEADS_TEXT
from wit_admin.git.ref_values import read_ref
from wit_admin.services.ref_updates import RefUpdate


@contextmanager
def pointing_head(gitdir: Path, accepted: Sequence[RefUpdate]) -> Iterator[str | None]:
    """Let HEAD follow the first pushed branch, and yield the branch if HEAD moved.

    Until the block ends no other push moves it, so that the row can be given the same branch.
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
    # Asked again, because another push may have been first.
    if not _is_head_unborn(gitdir):
        return None
    # Where it is locked, or the disk is full, the next push of a branch sees to it.
    with suppress(OSError):
        storage.set_head(gitdir, branch)
        return branch
    return None


def _is_head_unborn(gitdir: Path) -> bool:
    head = storage.read_head(gitdir)
    return head is not None and read_ref(gitdir, HEADS_TEXT + head) is None
