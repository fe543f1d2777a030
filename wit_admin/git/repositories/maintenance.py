"""Packs a repository so that it is served fast, while it is in use.

Packs are put together geometrically: the few that are small become one, the large ones stay, so the
work is in proportion to what came since the last time. A multi-pack index with a bitmap covers all
of them, and a commit graph is added to. Source: git-repack(1), ``--geometric``, ``--write-midx``
and ``--cruft``; git-commit-graph(1), ``--split``.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import UnavailableError
from wit_admin.git.children.limited_child import ChildLimits, run_limited
from wit_admin.git.children.tools import GitTools
from wit_admin.git.repositories.sweep import ABANDONED_S, has_no_owner

_MANY_FOLDERS = 45
"""Loose objects are spread over 256 folders by their id: about 50 of them fill so many."""
_MANY_REFS = 100
_LOCKS = (
    ("objects/pack/multi-pack-index.lock", 0.0),
    ("objects/info/commit-graph.lock", 0.0),
    ("objects/info/commit-graphs/commit-graph-chain.lock", 0.0),
    # This one a server takes too, for a moment.
    ("packed-refs.lock", 60.0),
)
"""The locks that packing takes, and from which age on they may be stale."""
_GENTLE = (("pack.threads", "1"), ("pack.writeBitmapLookupTable", "true"), ("gc.auto", "0"))
_EXPIRY = "30.days.ago"
"""git marks an object as new when a push has it again; after that time no push needs it."""


@dataclass(frozen=True, slots=True)
class Packer:
    """Puts repositories in order, one command after the other, at low priority."""

    tools: GitTools
    limits: ChildLimits

    def run(self, gitdir: Path, *, full: bool = False, keeps_all: bool = True) -> None:
        """Pack a repository.

        With ``full`` all objects go into one pack, and those that no ref leads to into another;
        unless ``keeps_all``, unreachable objects that are a month old are dropped.

        Raises:
            UnavailableError: git fails, or takes too long. Its unfinished work does no harm.
        """
        _remove_remains(gitdir / "objects/pack")
        _remove_stale_locks(gitdir)
        if not _has_objects(gitdir):
            return
        bitmap = [] if _borrows(gitdir) else ["--write-bitmap-index"]
        repack = ["repack", "-d", "-l", "-q", "--write-midx", *bitmap]
        if full:
            expiry = [] if keeps_all else [f"--cruft-expiration={_EXPIRY}"]
            self._git(gitdir, *repack, "-a", "--cruft", *expiry)
        else:
            self._git(gitdir, *repack, "--geometric=2")
        self._git(gitdir, "pack-refs", "--all")
        self._git(gitdir, "commit-graph", "write", "--reachable", "--split", "--changed-paths")

    def _git(self, gitdir: Path, *arguments: str) -> None:
        ended = run_limited(
            self.tools.command(f"--git-dir={gitdir}", *arguments),
            self.tools.environment.variables(overrides=_GENTLE),
            self.limits,
        )
        if ended.status != 0:
            reason = ended.complaints[-1] if ended.complaints else f"status {ended.status}"
            raise UnavailableError(f"git {arguments[0]} failed: {reason.rstrip('.')}.")


def find_disorder(gitdir: Path) -> tuple[str, ...]:
    """Return the reasons to pack a repository; empty if it is in order.

    It only lists a handful of folders.
    """
    reasons = []
    if len(_fanout(gitdir)) >= _MANY_FOLDERS:
        reasons.append("many loose objects")
    if not _packs(gitdir) <= read_covered(gitdir):
        reasons.append("packs that no index covers")
    loose = sum(len(_names(gitdir / "refs" / kind)) for kind in ("heads", "tags"))
    if loose >= _MANY_REFS:
        reasons.append("many loose refs")
    return tuple(reasons)


def read_covered(gitdir: Path) -> frozenset[str]:
    """Return the packs that the multi-pack index covers, as ``pack-….idx``; none without one.

    Source: gitformat-pack(5), multi-pack-index files.
    """
    try:
        data = (gitdir / "objects/pack/multi-pack-index").read_bytes()
    except FileNotFoundError:
        return frozenset()
    if data[:4] != b"MIDX":
        return frozenset()
    # Twelve bytes of header, then a table of four letters and an offset for each chunk.
    for at in range(12, 12 + 12 * data[6], 12):
        if data[at : at + 4] == b"PNAM":
            start = int.from_bytes(data[at + 4 : at + 12])
            end = int.from_bytes(data[at + 16 : at + 24])
            return frozenset(name.decode() for name in data[start:end].split(b"\0") if name)
    return frozenset()


def _remove_remains(folder: Path) -> None:
    """Remove temporary files of a git that was killed while it packed, if they are a day old."""
    for name in _names(folder):
        with contextlib.suppress(FileNotFoundError):
            is_old = time.time() - (folder / name).lstat().st_mtime > ABANDONED_S
            if name.startswith(("tmp_", ".tmp-")) and is_old:
                (folder / name).unlink()


def _remove_stale_locks(gitdir: Path) -> None:
    """Remove the locks of a git that was killed; they would block every later repack."""
    for name, least_age_s in _LOCKS:
        path = gitdir / name
        with contextlib.suppress(FileNotFoundError):
            seen = path.lstat()
            is_old = time.time() - seen.st_mtime > least_age_s
            if is_old and has_no_owner(gitdir, path, seen):
                path.unlink()


def _packs(gitdir: Path) -> frozenset[str]:
    """Return the packs, except those of unreachable objects."""
    names = _names(gitdir / "objects/pack")
    return frozenset(
        name
        for name in names
        if name.endswith(".idx") and name.removesuffix("idx") + "mtimes" not in names
    )


def _fanout(gitdir: Path) -> list[str]:
    digits = 2
    return [name for name in _names(gitdir / "objects") if len(name) == digits]


def _has_objects(gitdir: Path) -> bool:
    return bool(_packs(gitdir) or _fanout(gitdir))


def _borrows(gitdir: Path) -> bool:
    """Return whether objects are elsewhere, so that no bitmap can cover all."""
    return (gitdir / "objects/info/alternates").exists()


def _names(folder: Path) -> frozenset[str]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return frozenset(os.listdir(folder))  # noqa: PTH208  names alone are wanted
    return frozenset()
