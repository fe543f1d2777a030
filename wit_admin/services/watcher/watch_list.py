"""The repositories that this process watches, and where on disk jj publishes in them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import JjError
from wit_admin.git.files.mounts import is_local
from wit_admin.jj.files import is_plain
from wit_admin.jj.head_events import HeadEvents
from wit_admin.jj.layout import find_op_heads_folder
from wit_admin.jj.op_heads import peek_op_heads
from wit_admin.services.jj.places import find_jj_place
from wit_admin.services.watcher.inventory import KnownRepository

_TICK_S = 2.0
"""The resolution of the coarsest clock of any file system."""


@dataclass(slots=True, eq=False)
class Watched:
    """One repository. There are thousands, so it keeps nothing that can be computed."""

    id: uuid.UUID
    name: str
    """Owner and name."""
    disk_path: str
    workspace: str | None = None
    """The path below the root; ``None`` while jj is not used in the repository."""
    heads: int = 0
    """The digest of the heads that were synced last, or are being synced; 0 if unknown."""
    handle: int | None = None
    """The number of the kernel's watch; ``None`` for a repository that is polled."""
    stamp: int = 0
    """The stamp of its folder of heads, see :meth:`WatchList.may_have_changed`."""


class WatchList:
    """All repositories that this process watches, by id."""

    def __init__(self, root: Path, events: HeadEvents[Watched]) -> None:
        self._root = root
        self._base = str(root.resolve())
        self._events = events
        self._entries: dict[uuid.UUID, Watched] = {}
        self._odd_folders: dict[Watched, str] = {}
        """The folders of heads behind pointer files or links; most repositories have neither."""
        self._devices: dict[int, bool] = {}
        self.polled = 0
        """How many repositories with a workspace are polled."""
        self.watched = 0

    def __iter__(self) -> Iterator[Watched]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, entry: Watched) -> bool:
        return self._entries.get(entry.id) is entry

    def enter(self, known: KnownRepository) -> Watched:
        """Return the entry of a repository; a new entry if its folder has changed."""
        entry = self._entries.get(known.id)
        if entry is not None and entry.disk_path == known.disk_path:
            entry.name = known.name
            return entry
        if entry is not None:
            self.drop(entry)
        entry = Watched(known.id, known.name, known.disk_path, heads=known.heads)
        self._entries[entry.id] = entry
        return entry

    def drop(self, entry: Watched) -> None:
        """Stop watching a repository, and remove its entry."""
        self._leave(entry)
        del self._entries[entry.id]

    def find(self, repo_id: uuid.UUID) -> Watched | None:
        """Return the entry of the repository with this id."""
        return self._entries.get(repo_id)

    def locate(self, entry: Watched) -> bool:
        """Find the folder of heads and watch it; return false if jj is not used here.

        Problems are not reported here; the sync that follows reports them.
        """
        self._leave(entry)
        place = find_jj_place(self._base, entry.disk_path)
        if place is None:
            return False
        # Mostly the same text as before; keep one copy of it.
        entry.workspace = entry.name if place == entry.name else place
        self.watched += 1
        if not is_plain(self._plain_folder(entry)):
            self._locate_odd(entry)
        self.polled += 1
        self.ensure_watch(entry)
        return True

    def _locate_odd(self, entry: Watched) -> None:
        """Find a folder of heads behind a pointer file or links, where these are allowed."""
        try:
            folder = find_op_heads_folder(self.workspace_of(entry), root=self._root)
        except JjError:
            # The sync will report what is wrong.
            return
        self._odd_folders[entry] = str(folder)

    def ensure_watch(self, entry: Watched) -> None:
        """Watch a repository that was polled until now, if possible."""
        if entry.handle is None:
            folder = self.folder_of(entry)
            found = _stat(folder)
            if found is not None and self._is_local(found.st_dev, folder):
                entry.handle = self._events.watch(entry, folder)
            self.polled -= entry.handle is not None

    def unwatch_all(self) -> None:
        """Remove all watches until :meth:`ensure_watch`: they may be on another disk."""
        self._devices.clear()
        for entry in self:
            if entry.handle is not None:
                self._events.forget(entry.handle)
                entry.handle = None
                self.polled += 1
            entry.stamp = 0

    def may_have_changed(self, entry: Watched, moment: float) -> bool:
        """Return whether the heads may have changed since the last call; costs one system call.

        ``moment`` is the current time, in seconds since 1970. The folder's times answer it; on a
        network file system they may be cached, so there the answer is always yes.
        """
        folder = self.folder_of(entry)
        found = _stat(folder)
        if found is None or not self._is_local(found.st_dev, folder):
            return True
        stamp = hash((found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns))
        if entry.stamp == stamp:
            return False
        # A file system's clock ticks slowly: a later change may carry the same time.
        is_old = moment - found.st_ctime > _TICK_S
        entry.stamp = stamp if is_old else 0
        return True

    def workspace_of(self, entry: Watched) -> Path:
        """Return the jj workspace of a repository."""
        return self._root / (entry.workspace or entry.disk_path)

    def peek(self, entry: Watched) -> tuple[str, ...]:
        """Return the present operation heads of a repository.

        Raises:
            JjError: They cannot be listed.
        """
        return peek_op_heads(self.folder_of(entry))

    def folder_of(self, entry: Watched) -> str:
        """Return the folder that has a file for each head."""
        return self._odd_folders.get(entry) or self._plain_folder(entry)

    def _plain_folder(self, entry: Watched) -> str:
        return f"{self._base}/{entry.workspace}/.jj/repo/op_heads/heads"

    def _leave(self, entry: Watched) -> None:
        """Forget the workspace of a repository, and remove its watch."""
        if entry.workspace is not None:
            self.watched -= 1
            self.polled -= entry.handle is None
        if entry.handle is not None:
            self._events.forget(entry.handle)
        self._odd_folders.pop(entry, None)
        entry.workspace = entry.handle = None
        entry.stamp = 0

    def _is_local(self, device: int, folder: str) -> bool:
        """Return whether this host sees every change there: not on a network file system."""
        if device not in self._devices:
            self._devices[device] = is_local(Path(folder))
        return self._devices[device]


def _stat(folder: str) -> os.stat_result | None:
    try:
        return os.stat(folder)  # noqa: PTH116  thousands, and a Path keeps each name in memory
    except OSError:
        return None
