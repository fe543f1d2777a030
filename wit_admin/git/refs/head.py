"""HEAD of a bare repository: read, chosen, set."""

from __future__ import annotations

from pathlib import Path

from wit_admin.git.files.writes import replace_locked
from wit_admin.git.refs.names import HEADS_TEXT, parse_head, ref_bytes
from wit_admin.git.refs.values import has_reftable


def read_head(gitdir: Path) -> str | None:
    """Return the branch that HEAD names; ``None`` if it is detached, or not in this file."""
    try:
        head = parse_head((gitdir / "HEAD").read_bytes())
    except FileNotFoundError:
        # A symbolic link to a branch yet unborn, as git made HEAD long ago.
        return None
    return None if head is None or has_reftable(gitdir) else head


def set_head(gitdir: Path, branch: str) -> None:
    """Point HEAD at ``branch``, by git's own locking protocol.

    Raises:
        FileExistsError: Somebody else is changing HEAD just now.
    """
    with replace_locked(gitdir / "HEAD") as file:
        file.write(b"ref: %b\n" % ref_bytes(HEADS_TEXT + branch))


def choose_head(branches: list[str]) -> str:
    """Return the branch of the first push that HEAD should name."""
    for usual in ("main", "master"):
        if usual in branches:
            return usual
    return branches[0]
