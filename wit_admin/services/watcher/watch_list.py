"""The repositories that this process watches, and where on disk jj publishes in them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import JjError
from wit_admin.git.mounts import is_local
from wit_admin.jj.files import is_plain
from wit_admin.jj.head_events import HeadEvents
from wit_admin.jj.layout import find_op_heads_folder
from wit_admin.jj.op_heads import peek_op_heads
from wit_admin.services.jj_places import find_jj_place
from wit_admin.services.watcher.inventory import KnownRepository

_TICK_S = 2.0
"""Of the coarsest clock of a file system."""


@dataclass(slots=True, eq=False)
class Watched:
    """One repository. There are thousands: what can be worked out is not kept."""

    id: uuid.UUID
    name: str
    """Owner and name."""
    disk_path: str
    workspace: str | None = None
    """Below the root; ``None`` while jj is not used in it."""
    heads: int = 0
    """Of the heads that were synced last, or are just being synced; 0 when it is not known."""
    handle: int | None = None
    """Of the watch; ``None`` for one that is polled."""
    stamp: int = 0
    """Of its folder of heads, see :meth:`WatchList.may_have_changed`."""


class WatchList:
    """All of them, by id."""

    def __init__(self, root: Path, events: HeadEvents[Watched]) -> None:
        self._root = root
        self._base = str(root.resolve())
        self._events = events
        self._entries: dict[uuid.UUID, Watched] = {}
        self._odd_folders: dict[Watched, str] = {}
        """Where pointer files or links lead to; most repositories have none."""
        self._devices: dict[int, bool] = {}
        self.polled = 0
        """How many with a workspace have no watch."""
        self.watched = 0

    def __iter__(self) -> Iterator[Watched]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, entry: Watched) -> bool:
        return self._entries.get(entry.id) is entry

    def enter(self, known: KnownRepository) -> Watched:
        """Return the entry of a repository; a new one if its folder is another than before."""
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
        """Forget a repository."""
        self._leave(entry)
        del self._entries[entry.id]

    def find(self, repo_id: uuid.UUID) -> Watched | None:
        """Return the repository of that id."""
        return self._entries.get(repo_id)

    def locate(self, entry: Watched) -> bool:
        """Look up where jj works, and watch it; false when it does so nowhere.

        What is wrong there is for whoever reads it to say.
        """
        self._leave(entry)
        place = find_jj_place(self._base, entry.disk_path)
        if place is None:
            return False
        # Mostly the same text; one of them is enough.
        entry.workspace = entry.name if place == entry.name else place
        self.watched += 1
        if not is_plain(self._plain_folder(entry)):
            self._locate_odd(entry)
        self.polled += 1
        self.ensure_watch(entry)
        return True

    def _locate_odd(self, entry: Watched) -> None:
        """Follow a pointer file or links, as far as they may be followed."""
        try:
            folder = find_op_heads_folder(self.workspace_of(entry), root=self._root)
        except JjError:
            # Whoever reads the repository says what is wrong.
            return
        self._odd_folders[entry] = str(folder)

    def ensure_watch(self, entry: Watched) -> None:
        """Watch an entry that was polled until now, if that is possible."""
        if entry.handle is None:
            folder = self.folder_of(entry)
            found = _stat(folder)
            if found is not None and self._is_local(found.st_dev, folder):
                entry.handle = self._events.watch(entry, folder)
            self.polled -= entry.handle is not None

    def unwatch_all(self) -> None:
        """Watch none until :meth:`ensure_watch`: what was watched may be another disk's."""
        self._devices.clear()
        for entry in self:
            if entry.handle is not None:
                self._events.forget(entry.handle)
                entry.handle = None
                self.polled += 1
            entry.stamp = 0

    def may_have_changed(self, entry: Watched, moment: float) -> bool:
        """Tell by one look whether other heads may stand there than when this was asked before.

        ``moment`` is that of the look, in seconds since 1970. The times of a folder tell, but not
        over a network, where they may be remembered ones.
        """
        folder = self.folder_of(entry)
        found = _stat(folder)
        if found is None or not self._is_local(found.st_dev, folder):
            return True
        stamp = hash((found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns))
        if entry.stamp == stamp:
            return False
        # The clock of a file system ticks so seldom that more may happen at the same time.
        is_old = moment - found.st_ctime > _TICK_S
        entry.stamp = stamp if is_old else 0
        return True

    def workspace_of(self, entry: Watched) -> Path:
        """Return where jj works in a repository."""
        return self._root / (entry.workspace or entry.disk_path)

    def peek(self, entry: Watched) -> tuple[str, ...]:
        """Return its operation heads as they stand this moment.

        Raises:
            JjError: They cannot be listed.
        """
        return peek_op_heads(self.folder_of(entry))

    def folder_of(self, entry: Watched) -> str:
        """Return the folder in which the heads are names."""
        return self._odd_folders.get(entry) or self._plain_folder(entry)

    def _plain_folder(self, entry: Watched) -> str:
        return f"{self._base}/{entry.workspace}/.jj/repo/op_heads/heads"

    def _leave(self, entry: Watched) -> None:
        """Forget where it was."""
        if entry.workspace is not None:
            self.watched -= 1
            self.polled -= entry.handle is None
        if entry.handle is not None:
            self._events.forget(entry.handle)
        self._odd_folders.pop(entry, None)
        entry.workspace = entry.handle = None
        entry.stamp = 0

    def _is_local(self, device: int, folder: str) -> bool:
        """Tell whether this host sees all that happens there."""
        if device not in self._devices:
            self._devices[device] = is_local(Path(folder))
        return self._devices[device]


def _stat(folder: str) -> os.stat_result | None:
    try:
        return os.stat(folder)  # noqa: PTH116  thousands, and a Path keeps each name in memory
    except OSError:
        return None
