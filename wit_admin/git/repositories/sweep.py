"""Removes stale locks and quarantines of killed git children, which would block the next push."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from wit_admin.git.children.processes import is_in_use, open_here
from wit_admin.git.refs.names import ref_bytes

ABANDONED_S = 24 * 3600.0
"""Something unfinished may be in use by a process that is not seen here; after a day it is not."""
_QUARANTINES = ("tmp_objdir-incoming-*", "incoming-*")
_UNFINISHED = ("tmp_pack_*", "tmp_idx_*", "tmp_rev_*")


def sweep(gitdir: Path, refs: Iterable[str], *, min_age_s: float = 0.0) -> list[Path]:
    """Remove stale locks of ``refs`` and abandoned quarantines; return what was removed.

    With ``min_age_s`` only what is at least as old: for callers that cannot see all processes that
    may be at work.

    Nothing is touched while another process on this host is at work in the repository, and no lock
    that another thread of this one holds. A lock that was there before that was checked has no
    owner: git creates locks with ``O_EXCL``, so no newer one can have the name of a stale one.
    """
    gitdir = Path(os.path.realpath(gitdir))
    made_before = time.time() - min_age_s if min_age_s else math.inf
    candidates = list(_leftovers(gitdir, refs, made_before=made_before))
    if not candidates or is_in_use(gitdir):
        return []
    removed, held = [], open_here()
    for path, inode in candidates:
        try:
            if str(path) in held or path.lstat().st_ino != inode:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            continue
        removed.append(path)
    return removed


def _leftovers(
    gitdir: Path, refs: Iterable[str], *, made_before: float
) -> Iterator[tuple[Path, int]]:
    """Yield what may be left over, with the inode that tells it from a newer one."""
    names = [os.fsdecode(ref_bytes(f"{ref}.lock")) for ref in refs]
    paths = [gitdir / name for name in [*names, "packed-refs.lock", "HEAD.lock", "shallow.lock"]]
    for pattern in _QUARANTINES:
        paths.extend((gitdir / "objects").glob(pattern))
    for pattern in _UNFINISHED:
        paths.extend((gitdir / "objects/pack").glob(pattern))
    for path in paths:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found = path.lstat()
            if found.st_mtime <= made_before:
                yield path, found.st_ino
