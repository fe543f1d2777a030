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
    touched_ns: int
    """When ``objects`` or ``refs/heads`` was last changed."""


def walk(root: str, owner: str | None = None) -> Iterator[Found | Odd]:
    """Yield what stands below the root, those of one owner together; no symbolic link is followed.

    ``owner`` is the one folder to look into, in any case.

    Raises:
        OSError: The root cannot be read.
    """
    # Folders that differ in case only belong to one owner.
    for entry in sorted(_scan(root), key=lambda entry: (entry.name.lower(), entry.name)):
        name = entry.name
        if owner is not None and name.lower() != owner.lower():
            continue
        if entry.is_symlink():
            yield link(root, name)
        elif entry.is_dir(follow_symlinks=False) and name[0] != "." and name != _LOST:
            yield from _walk_owner(root, name)


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
    return Found(path, seen, max(objects.st_mtime_ns, heads.st_mtime_ns))


def is_settled(fingerprint: bytes, taken_ns: int) -> bool:
    """Tell whether each change after ``taken_ns``, when it was taken, is sure to change it."""
    _, *ctimes = _FOUR.unpack(fingerprint)
    return all(ctime < taken_ns - _SETTLED_NS for ctime in ctimes)


def _walk_owner(root: str, owner: str) -> Iterator[Found | Odd]:
    try:
        within = os.open(f"{root}/{owner}", _FOLDER)
    except FileNotFoundError:
        return
    except OSError as error:
        yield unreadable(owner, error)
        return
    try:
        yield from _walk_inside(root, owner, within)
    finally:
        os.close(within)


def _walk_inside(root: str, owner: str, within: int) -> Iterator[Found | Odd]:
    entries = sorted(_scan(within), key=lambda entry: entry.name)
    names = {entry.name for entry in entries}
    if names >= {"HEAD", "objects"} or not names.isdisjoint({".git", ".jj"}):
        yield misplaced(owner)
        return
    for entry in entries:
        name = entry.name
        path = f"{owner}/{name}"
        if not entry.is_dir(follow_symlinks=False):
            if entry.is_symlink():
                yield link(root, path)
            continue
        is_passing = name.startswith((STAGING, CONDEMNED))
        found: Found | Odd | None
        try:
            found = None if is_passing else look(name, path, within)
            found = found or explain(root, path)
        except FileNotFoundError:
            continue
        except OSError as error:
            found = unreadable(path, error)
        if found is not None:
            yield found


def _scan(folder: str | int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)
