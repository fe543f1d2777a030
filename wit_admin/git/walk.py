"""Walks the repository root: what stands in ``owner/name``, and whether it changed since last time.

A fingerprint is 32 bytes: the inode of the repository's folder, and the ctimes in nanoseconds of
that folder, ``objects`` and ``refs/heads``. Each push by git changes one of them (its quarantine is
made in ``objects``), and so does each lock it takes (refs deleted or packed, HEAD, config). Nobody
can set a ctime back. A ref that is moved below a folder of refs without a new object changes none.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

_FOUR = struct.Struct("<4Q")
_SETTLED_NS = 2_000_000_000
_ABANDONED_S = 24 * 3600.0
_HALF_MADE = (".new-", ".old-")
_LOST = "lost+found"


@dataclass(frozen=True, slots=True)
class Odd:
    """Something below the root that is no repository in its place; it is left alone."""

    path: str
    """Below the root."""
    kind: str
    sentence: str
    is_failure: bool = False
    """What is in there could not be seen."""


def walk(root: str, owner: str | None = None) -> Iterator[tuple[str, bytes] | Odd]:
    """Yield path below the root and fingerprint of each bare repository, and what is odd.

    ``owner`` is the one folder to look into, in any case. No symbolic link is followed.

    Raises:
        OSError: The root cannot be read.
    """
    with os.scandir(root) as entries:
        folders = sorted(entries, key=lambda entry: entry.name)
    for entry in folders:
        name = entry.name
        if owner is not None and name.lower() != owner.lower():
            continue
        if entry.is_symlink():
            yield _link(root, name)
        elif not entry.is_dir(follow_symlinks=False) or name.startswith(".") or name == _LOST:
            continue
        elif os.path.lexists(f"{root}/{name}/HEAD") and os.path.lexists(f"{root}/{name}/objects"):
            yield Odd(name, "misplaced", "It is a repository outside of any owner's folder.")
        else:
            yield from _walk_owner(root, name)


def take_fingerprint(path: str) -> bytes | None:
    """Return the fingerprint of a bare repository; ``None`` when there is none.

    Raises:
        OSError: It cannot be looked at.
    """
    try:
        objects = os.lstat(path + "/objects")
        heads = os.lstat(path + "/refs/heads")
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISDIR(objects.st_mode):
        return None
    whole = os.lstat(path)
    return _FOUR.pack(whole.st_ino, whole.st_ctime_ns, objects.st_ctime_ns, heads.st_ctime_ns)


def is_settled(fingerprint: bytes) -> bool:
    """Tell whether a change after this fingerprint was taken is sure to change it."""
    _, *ctimes = _FOUR.unpack(fingerprint)
    return all(ctime < time.time_ns() - _SETTLED_NS for ctime in ctimes)


def _walk_owner(root: str, owner: str) -> Iterator[tuple[str, bytes] | Odd]:
    try:
        with os.scandir(f"{root}/{owner}") as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield _unreadable(owner, error)
        return
    for entry in found:
        path = f"{owner}/{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            if entry.is_symlink():
                yield _link(root, path)
            continue
        try:
            fingerprint = take_fingerprint(f"{root}/{path}")
            odd = None if fingerprint else _explain(root, path)
        except FileNotFoundError:
            continue
        except OSError as error:
            fingerprint, odd = None, _unreadable(path, error)
        if fingerprint is not None and entry.name[0] != ".":
            yield path, fingerprint
        elif odd is not None:
            yield odd


def _explain(root: str, path: str) -> Odd | None:
    """Say what a folder is that is no bare repository; ``None`` for what needs no word."""
    full = f"{root}/{path}"
    name = path.rpartition("/")[2]
    if name.startswith("."):
        is_old = time.time() - os.lstat(full).st_mtime > _ABANDONED_S
        is_left = name.startswith(_HALF_MADE) and is_old
        return Odd(path, "half-made", "A process that died left it.") if is_left else None
    if os.path.lexists(f"{full}/.jj"):
        return Odd(path, "jj", "It is a jj repository; only bare ones are adopted.")
    if os.path.lexists(f"{full}/.git"):
        return Odd(path, "non-bare", "It has a working tree; only bare ones are adopted.")
    if os.path.lexists(f"{full}/objects"):
        return Odd(path, "broken", "It looks like a repository, but is not whole.")
    with os.scandir(full) as entries:
        inner = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    if any(os.path.lexists(f"{below}/objects") for below in inner):
        return Odd(path, "nested", "Repositories in it stand deeper than owner/name.")
    return Odd(path, "foreign", "It is a folder, and no repository.") if inner else None


def _unreadable(path: str, error: OSError) -> Odd:
    return Odd(path, "unreadable", f"It cannot be read: {error.strerror}.", is_failure=True)


def _link(root: str, path: str) -> Odd:
    base = os.path.realpath(root)
    real = os.path.realpath(f"{root}/{path}")
    if real.startswith(base + os.sep):
        inside = real.removeprefix(base + os.sep)
        return Odd(path, "link", f"It is a link to {inside}; it is served, and not adopted.")
    return Odd(path, "link-out", "It is a link that leads out of the root, and is refused.")
