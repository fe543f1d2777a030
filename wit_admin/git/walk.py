"""Walks the repository root: what stands in ``owner/name``, and whether it changed since last time.

A fingerprint is 32 bytes: the inode of the repository's folder, and the ctimes in nanoseconds of
that folder, ``objects`` and ``refs/heads``. Each push changes one of them (what it brings is first
put into ``objects`` itself), and so does each lock that git takes (refs deleted or packed, HEAD,
config). Nobody can set a ctime back. A ref that is moved below a folder of refs without a new
object changes none.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from typing import NamedTuple

from wit_admin.git.oddities import Odd, explain, link, misplaced, unreadable
from wit_admin.git.storage import CONDEMNED, STAGING

_FOUR = struct.Struct("<4Q")
_SETTLED_NS = 2_000_000_000
_LOST = "lost+found"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Found(NamedTuple):
    """A bare repository below the root."""

    path: str
    fingerprint: bytes
    objects_ns: int
    heads_ns: int

    @property
    def touched_ns(self) -> int:
        """When ``objects`` or ``refs/heads`` was last changed."""
        return max(self.objects_ns, self.heads_ns)


def walk(root: str, owner: str | None = None) -> Iterator[tuple[str, list[Found | Odd]]]:
    """Yield each owner's folder with what is in it, in the order of paths; follow no link.

    The database gives paths in the same order: what is in ``a-b`` comes before what is in ``a``.
    ``owner`` is the one folder to look into, in any case.

    Raises:
        OSError: The root cannot be read.
    """
    for entry in sorted(_scan(root), key=lambda entry: f"{entry.name}/"):
        name = entry.name
        if owner is not None and name.lower() != owner.lower():
            continue
        if entry.is_symlink():
            yield name, [link(root, name)]
        elif entry.is_dir(follow_symlinks=False) and name[0] != "." and name != _LOST:
            yield name, _look_into(root, name)


def look(folder: str, path: str, within: int | None = None) -> Found | None:
    """Return the bare repository in ``folder``, which is to be called ``path``; else ``None``.

    ``within`` is the descriptor of what ``folder`` is relative to, if it is: that is a bit quicker.

    Raises:
        OSError: It cannot be looked at.
    """
    try:
        objects = os.stat(folder + "/objects", dir_fd=within, follow_symlinks=False)
        heads = os.stat(folder + "/refs/heads", dir_fd=within, follow_symlinks=False)
        whole = os.stat(folder, dir_fd=within, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISDIR(objects.st_mode):
        return None
    seen = _FOUR.pack(whole.st_ino, whole.st_ctime_ns, objects.st_ctime_ns, heads.st_ctime_ns)
    return Found(path, seen, objects.st_mtime_ns, heads.st_mtime_ns)


def is_settled(fingerprint: bytes, taken_ns: int) -> bool:
    """Tell whether each change after ``taken_ns``, when it was taken, is sure to change it."""
    _, *ctimes = _FOUR.unpack(fingerprint)
    return all(ctime < taken_ns - _SETTLED_NS for ctime in ctimes)


def _look_into(root: str, owner: str) -> list[Found | Odd]:
    try:
        within = os.open(f"{root}/{owner}", _FOLDER)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [unreadable(owner, error)]
    try:
        return _list_inside(root, owner, within)
    finally:
        os.close(within)


def _list_inside(root: str, owner: str, within: int) -> list[Found | Odd]:
    entries = _scan(within)
    names = {entry.name for entry in entries}
    if names >= {"HEAD", "objects"} or not names.isdisjoint({".git", ".jj"}):
        return [misplaced(owner)]
    folders = sorted([entry.name for entry in entries if entry.is_dir(follow_symlinks=False)])
    items = [item for name in folders if (item := _look_at(root, owner, name, within))]
    if len(folders) < len(entries):
        items += [link(root, f"{owner}/{entry.name}") for entry in entries if entry.is_symlink()]
    return items


def _look_at(root: str, owner: str, name: str, within: int) -> Found | Odd | None:
    path = f"{owner}/{name}"
    try:
        if name.startswith((STAGING, CONDEMNED)):
            return explain(root, path)
        return look(name, path, within) or explain(root, path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return unreadable(path, error)


def _scan(folder: str | int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)
