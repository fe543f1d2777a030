"""Finds the jj workspace of a repository, and checks cheaply whether its heads have changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wit_admin.jj.layout import find_op_heads_folder
from wit_admin.jj.op_heads import peek_op_heads

_SUFFIX = ".git"


def find_jj_workspace(root: Path, disk_path: str) -> Path | None:
    """Return the folder with a ``.jj``: the repository's own, or else the one beside it.

    Beside ``alice/demo.git`` that is ``alice/demo``. A folder that cannot be read counts as a
    workspace, so that the sync reports the problem.
    """
    place = find_jj_place(str(root), disk_path)
    return None if place is None else root / place


def find_jj_place(root: str, disk_path: str) -> str | None:
    """Like :func:`find_jj_workspace`, as a path below the root."""
    beside = disk_path.removesuffix(_SUFFIX)
    if beside != disk_path and os.path.isdir(f"{root}/{disk_path}/.jj"):  # noqa: PTH112  thousands
        return disk_path
    try:
        found = os.stat(f"{root}/{beside}/.jj")  # noqa: PTH116
    except PermissionError:
        return beside
    except OSError:
        return None
    return beside if stat.S_ISDIR(found.st_mode) else None


def has_moved_on(workspace: Path, op_heads: list[str], *, root: Path) -> bool:
    """Return whether the operation heads have changed; it opens no store of jj.

    Raises:
        JjError: As for :func:`wit_admin.jj.layout.find_op_heads_folder`.
    """
    return peek_op_heads(find_op_heads_folder(workspace, root=root)) != tuple(op_heads)
