"""Watches folders of operation heads for changes, by inotify if the system has it.

Source: inotify(7). It sees changes by this host only, not those by other hosts of a shared disk.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

K = TypeVar("K")

_CREATE, _MOVED_TO, _DELETE_SELF, _MOVE_SELF = 0x100, 0x80, 0x400, 0x800
_UNMOUNT, _Q_OVERFLOW, _IGNORED, _ONLYDIR = 0x2000, 0x4000, 0x8000, 0x01000000
_MASK = _CREATE | _MOVED_TO | _DELETE_SELF | _MOVE_SELF | _ONLYDIR
_ENDS = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _IGNORED
_EXHAUSTED = {errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_ADVICE = (
    "Raise fs.inotify.max_user_watches and max_user_instances with sysctl; "
    "what cannot be watched is polled."
)


@dataclass(slots=True)
class Happened(Generic[K]):
    """The events since the last call."""

    changed: set[K] = field(default_factory=set)
    """Folders in which a name was added."""
    ended: set[K] = field(default_factory=set)
    """Folders that were removed or moved, so that they must be located again."""
    is_incomplete: bool = False
    """Events were lost: any watched folder may have changed."""


class HeadEvents(Protocol[K]):
    """Watches folders, each under a key of the caller."""

    def fileno(self) -> int | None:
        """Return the descriptor that is readable after an event; ``None`` if there is none now."""

    @property
    def complaint(self) -> str | None:
        """Why the system allows no more watches; ``None`` if it allows them."""

    def watch(self, key: K, folder: str) -> int | None:
        """Watch a folder; return a handle, or ``None`` if it must be polled."""

    def forget(self, handle: int) -> None:
        """Stop watching a folder."""

    def read(self) -> Happened[K]:
        """Return what happened; never waits."""

    def close(self) -> None:
        """Remove all watches and close the descriptor."""


class NoEvents(Generic[K]):
    """Watches nothing, so that everything is polled; for systems without inotify."""

    def __init__(self, complaint: str | None = None) -> None:
        self.complaint = complaint

    def fileno(self) -> int | None:
        """Return ``None``: there are no events."""
        return None

    def watch(self, key: K, folder: str) -> int | None:
        """Return ``None``: the caller must poll the folder."""
        return None

    def forget(self, handle: int) -> None:
        """Do nothing, since there are no handles."""

    def read(self) -> Happened[K]:
        """Return no events."""
        return Happened()

    def close(self) -> None:
        """Do nothing, since nothing is open."""


class Inotify(Generic[K]):
    """One inotify descriptor for all folders; none is watched recursively.

    A watch that the system's limits forbade can be tried again later: the limits may be raised.
    """

    def __init__(self) -> None:
        self.complaint: str | None = None
        self._inotify: Any = None
        self._keys: dict[int, K] = {}
        self._open()

    def fileno(self) -> int | None:
        """Return inotify's descriptor; ``None`` while the system grants none."""
        descriptor: int | None = self._inotify and self._inotify.fileno()
        return descriptor

    def watch(self, key: K, folder: str) -> int | None:
        """Watch a folder, unless it is watched under another key."""
        if self._inotify is None and not self._open():
            return None
        try:
            handle: int = self._inotify.add_watch(folder, _MASK)
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._complain(f"The system allows no more than {len(self._keys)} watches", error)
            return None
        self.complaint = None
        if self._keys.setdefault(handle, key) != key:
            return None
        return handle

    def forget(self, handle: int) -> None:
        """Stop watching it; events that the kernel still delivers for it are dropped."""
        if self._keys.pop(handle, None) is not None:
            try:
                self._inotify.rm_watch(handle)
            except OSError as error:
                # The folder is gone, and the watch went with it.
                if error.errno != errno.EINVAL:
                    raise

    def read(self) -> Happened[K]:
        """Return what happened; never waits."""
        happened: Happened[K] = Happened()
        if self._inotify is None:
            return happened
        for handle, mask, _, _ in _events(self._inotify.read(timeout=0)):
            if mask & _Q_OVERFLOW:
                happened.is_incomplete = True
                continue
            key = self._keys.get(handle)
            if key is None:
                continue
            if mask & _ENDS:
                self._end(handle, mask)
                happened.ended.add(key)
            else:
                happened.changed.add(key)
        return happened

    def close(self) -> None:
        """Close the descriptor; the kernel forgets all watches."""
        if self._inotify is not None:
            self._inotify.close()

    def _open(self) -> bool:
        from inotify_simple import INotify  # noqa: PLC0415  Linux only

        try:
            self._inotify = INotify()
        except OSError as error:
            self._complain("inotify is not to be had", error)
            return False
        return True

    def _complain(self, what: str, error: OSError) -> None:
        self.complaint = f"{what} ({error.strerror}). {_ADVICE}"

    def _end(self, handle: int, mask: int) -> None:
        if mask & _MOVE_SELF:
            # The watch would follow the folder to its new place.
            self.forget(handle)
        else:
            self._keys.pop(handle, None)


def open_head_events() -> HeadEvents[Any]:
    """Return the best way to watch on this system."""
    if sys.platform != "linux":
        return NoEvents("This system has no inotify; all repositories are polled.")
    return Inotify()


def _events(found: Iterable[Any]) -> Iterable[tuple[int, int, int, str]]:
    # Plain tuples: the package knows no types.
    return found
