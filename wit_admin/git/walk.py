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


def look(full: str, path: str) -> Found | None:
    """Return the bare repository in the folder ``full``, which is to be called ``path``.

    ``None`` when there is none.

    Raises:
        OSError: It cannot be looked at.
    """
    try:
        objects = os.lstat(full + "/objects")
        heads = os.lstat(full + "/refs/heads")
        whole = os.lstat(full)
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
    folder = f"{root}/{owner}"
    try:
        entries = sorted(_scan(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        yield unreadable(owner, error)
        return
    names = {entry.name for entry in entries}
    if names >= {"HEAD", "objects"} or not names.isdisjoint({".git", ".jj"}):
        yield misplaced(owner)
        return
    for entry in entries:
        name = entry.name
        path = f"{owner}/{name}"
        if entry.is_dir(follow_symlinks=False):
            is_passing = name.startswith((STAGING, CONDEMNED))
            found = _look_or_explain(root, path, is_passing=is_passing)
            if found is not None:
                yield found
        elif entry.is_symlink():
            yield link(root, path)


def _look_or_explain(root: str, path: str, *, is_passing: bool) -> Found | Odd | None:
    try:
        if not is_passing and (found := look(f"{root}/{path}", path)):
            return found
        return explain(root, path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return unreadable(path, error)


def _scan(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)
