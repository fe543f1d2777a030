"""Removes stale locks and quarantines of killed git children, which would block the next push."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from wit_admin.git.children.processes import oldest_user, open_here
from wit_admin.git.refs.names import ref_bytes

_CLOCKS_S = 0.05
"""How exactly the ages of a file and of a process compare: each is known to a tick, 10 ms."""
_SUSPICIOUS_S = 1.0
"""A push holds its locks for some milliseconds."""
ABANDONED_S = 24 * 3600.0
"""Something unfinished may be in use by a process that is not seen here; after a day it is not."""
_LOCK = ".lock"
_QUARANTINES = ("tmp_objdir-incoming-*", "incoming-*")
_UNFINISHED = ("tmp_pack_*", "tmp_idx_*", "tmp_rev_*")


def sweep(gitdir: Path, refs: Iterable[str], *, min_age_s: float = 0.0) -> list[Path]:
    """Remove stale locks of ``refs`` and abandoned quarantines; return what was removed.

    With ``min_age_s`` only what is at least as old: for callers that cannot see all processes that
    may be at work.

    A lock is stale when no process on this host that uses the repository is as old as it is, and no
    other thread of this one holds it. Those that came later may be many, and wait for it. While
    there are any, quarantines stay. A lock that was there before that was checked has no owner: git
    creates locks with ``O_EXCL``, so no newer one can have the name of a stale one.
    """
    gitdir = Path(os.path.realpath(gitdir))
    made_before = time.time() - min_age_s if min_age_s else math.inf
    candidates = list(_leftovers(gitdir, refs, made_before=made_before))
    if not candidates:
        return []
    oldest, held, removed = oldest_user(gitdir), open_here(), []
    for path, seen in candidates:
        try:
            if str(path) in held or oldest < _abandoned_at(path, seen) or not _is(path, seen):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            continue
        removed.append(path)
    return removed


def free_locks(gitdir: Path, refs: Iterable[str]) -> None:
    """Sweep if a lock stands that an update of ``refs`` would wait for and no live push holds."""
    for path in _locks(gitdir, refs):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if time.time() - path.lstat().st_mtime > _SUSPICIOUS_S:
                sweep(gitdir, refs)
                return


def has_no_owner(gitdir: Path, lock: Path, seen: os.stat_result) -> bool:
    """Return whether ``lock`` is still what was ``seen`` and older than all who use ``gitdir``."""
    return oldest_user(gitdir) >= _abandoned_at(lock, seen) and _is(lock, seen)


def _abandoned_at(path: Path, seen: os.stat_result) -> float:
    """Return from when on a process must have run to have nothing to do with what was seen."""
    return seen.st_mtime + _CLOCKS_S if path.suffix == _LOCK else math.inf


def _is(path: Path, seen: os.stat_result) -> bool:
    # A file system gives the number of a removed file to the next one.
    now = path.lstat()
    return (now.st_ino, now.st_mtime_ns) == (seen.st_ino, seen.st_mtime_ns)


def _leftovers(
    gitdir: Path, refs: Iterable[str], *, made_before: float
) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield what may be left over, as it is seen now."""
    paths = _locks(gitdir, refs)
    for pattern in _QUARANTINES:
        paths.extend((gitdir / "objects").glob(pattern))
    for pattern in _UNFINISHED:
        paths.extend((gitdir / "objects/pack").glob(pattern))
    for path in paths:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found = path.lstat()
            if found.st_mtime <= made_before:
                yield path, found


def _locks(gitdir: Path, refs: Iterable[str]) -> list[Path]:
    names = [os.fsdecode(ref_bytes(ref)) for ref in refs]
    return [gitdir / f"{name}{_LOCK}" for name in (*names, "packed-refs", "HEAD", "shallow")]
