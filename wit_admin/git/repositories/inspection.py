"""Decides whether git may open a repository: nothing in it may lead out of the root, or block.

Otherwise somebody who can write into a repository's folder, on a shared disk for instance, could
make the server read or write any file that the server itself may access.
Source: gitrepository-layout(5); git's path.c, ``enter_repo``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from wit_admin.git.refs.names import ref_bytes
from wit_admin.git.repositories.inspected_files import (
    check_kind,
    file_size,
    leads_out,
    named_failures,
    read_file,
    refusal,
    scan,
)
from wit_admin.git_objects import ALTERNATES_DEPTH, MAX_ALTERNATES_BYTES, parse_alternates

_FOLDERS = ("", "info", "objects/info/commit-graphs")
"""Other folders, besides refs and objects, in which git opens or lists files."""

_REDIRECTS = (".git", "commondir")
"""If one of these exists, git would serve another folder than the given one."""

_MAX_BYTES = {
    "HEAD": 4096,
    "config": 1024**2,
    "config.worktree": 1024**2,
    "packed-refs": 256 * 1024**2,
}
_MAX_KNOWN_FOLDERS = 50_000
_SETTLED_NS = 2_000_000_000
_HOOKS = "hooks"
"""Operators may link hooks from elsewhere; hooks run only if the operator allows it."""


@dataclass(slots=True)
class Inspector:
    """Inspects repositories before git opens them. Unchanged folders are not read twice.

    It does not see a change between the inspection and git's own reading: only the disk's
    permissions can keep out somebody who races it.
    """

    roots: tuple[Path, ...]
    """The repository root, and the other folders that repositories may share objects with."""
    allows_includes: bool = False
    _bases: tuple[str, ...] = field(init=False)
    _known: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._bases = tuple(os.path.realpath(root) for root in self.roots)

    def check(self, gitdir: Path) -> None:
        """Check that git may work in ``gitdir``.

        Raises:
            ConflictError: Something in it leads out of the roots, would block whoever opens it,
                or is too large; the sentence names it.
            UnavailableError: The disk fails.
        """
        with named_failures():
            self._check(os.fspath(gitdir))

    def check_loose_objects(self, gitdir: Path) -> None:
        """Check that git may send the loose objects.

        This is separate because reading their many folders takes a millisecond.

        Raises:
            ConflictError: As for :meth:`check`.
            UnavailableError: The disk fails.
        """
        with named_failures():
            for objects in self._object_folders(f"{gitdir}/objects", depth=0):
                for folder in self._check_folder(objects, ""):
                    if len(folder) == 2:  # noqa: PLR2004  the first byte of ids, in hex
                        self._check_folder(objects, folder)

    def check_refs(self, gitdir: Path, refs: Iterable[str]) -> None:
        """Check that git may write these refs and their logs.

        Raises:
            ConflictError: The path of one leads out of the roots through a symbolic link, or to
                a pipe.
        """
        with named_failures():
            self._check_refs(gitdir, [os.fsdecode(ref_bytes(ref)) for ref in refs])

    def _check_refs(self, gitdir: Path, refs: Iterable[str]) -> None:
        parents = set()
        for ref in refs:
            for path in (gitdir / ref, gitdir / "logs" / ref):
                parents.add(path.parent)
                if path.is_symlink() and not self._is_inside(path):
                    raise leads_out(str(path.relative_to(gitdir)))
                check_kind(str(path), str(path.relative_to(gitdir)))
        for parent in parents:
            if not self._is_inside(parent):
                raise leads_out(str(parent.relative_to(gitdir)))

    def _check(self, gitdir: str) -> None:
        for name in _REDIRECTS:
            if os.path.lexists(f"{gitdir}/{name}"):
                raise refusal(f"{name} points git to another folder")
        for folder in _FOLDERS:
            self._check_folder(gitdir, folder)
        self._check_refs_tree(gitdir)
        for name, most in _MAX_BYTES.items():
            if file_size(f"{gitdir}/{name}") > most:
                raise refusal(f"{name} is larger than {most} bytes")
        if not self.allows_includes:
            _check_includes(gitdir)
        for objects in self._object_folders(f"{gitdir}/objects", depth=0):
            for folder in ("", "info", "pack"):
                self._check_folder(objects, folder)

    def _check_refs_tree(self, gitdir: str) -> None:
        waiting = ["refs"]
        while waiting:
            folder = waiting.pop()
            waiting.extend(f"{folder}/{name}" for name in self._check_folder(gitdir, folder))

    def _object_folders(self, objects: str, *, depth: int) -> Iterator[str]:
        """Yield an object folder and those that its alternates lead to."""
        yield objects
        if file_size(f"{objects}/info/alternates") > MAX_ALTERNATES_BYTES:
            raise refusal("objects/info/alternates is too large")
        for alternate in _read_alternates(objects):
            if depth >= ALTERNATES_DEPTH or not self._is_inside(alternate):
                raise leads_out("objects/info/alternates")
            yield from self._object_folders(alternate, depth=depth + 1)

    def _check_folder(self, base: str, folder: str) -> tuple[str, ...]:
        """Check the entries of a folder; return the names of those that are folders."""
        path = f"{base}/{folder}" if folder else base
        try:
            changed = os.stat(path).st_ctime_ns
        except (FileNotFoundError, NotADirectoryError):
            return ()
        # A folder's ctime changes with every change of its entries, and cannot be set back.
        known = self._known.get(path)
        if known is not None and known[0] == changed:
            return known[1]
        folders, has_links = [], False
        for entry in scan(path):
            shown = f"{folder}/{entry.name}".removeprefix("/")
            if entry.is_symlink():
                has_links = True
                self._check_link(entry, shown)
            elif entry.is_dir():
                folders.append(entry.name)
            elif not entry.is_file():
                check_kind(entry.path, shown)
        # A link's target can change without the folder, and very recent changes may not show.
        if not has_links and time.time_ns() - changed > _SETTLED_NS:
            self._remember(path, (changed, tuple(folders)))
        return tuple(folders)

    def _check_link(self, entry: os.DirEntry[str], shown: str) -> None:
        if shown == _HOOKS:
            return
        if not self._is_inside(entry.path):
            raise leads_out(shown)
        if shown.startswith("refs/") and entry.is_dir():
            # git walks into it, and a few links that lead back up make that walk endless.
            raise refusal(f"{shown} is a link to a folder")
        check_kind(entry.path, shown)

    def _is_inside(self, path: str | Path) -> bool:
        real = os.path.realpath(path)
        return any(real == base or real.startswith(base + os.sep) for base in self._bases)

    def _remember(self, path: str, seen: tuple[int, tuple[str, ...]]) -> None:
        with self._lock:
            if len(self._known) >= _MAX_KNOWN_FOLDERS:
                self._known.clear()
            self._known[path] = seen


def _check_includes(gitdir: str) -> None:
    # Over-cautious on purpose: a second parser might differ from git's.
    for name in ("config", "config.worktree"):
        if b"[include" in read_file(f"{gitdir}/{name}").lower():
            raise refusal(f"{name} includes other files")


def _read_alternates(objects: str) -> list[str]:
    try:
        return parse_alternates(objects, read_file(f"{objects}/info/alternates"))
    except ValueError:
        raise refusal("objects/info/alternates holds a path that is quoted, or none") from None
