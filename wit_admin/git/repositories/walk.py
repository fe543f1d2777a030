"""Walks the repository root: what is in ``owner/name``, and a fingerprint that tells of changes.

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
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from wit_admin.git.repositories.storage import CONDEMNED, STAGING
from wit_admin.git.repositories.unexpected import Unexpected, explain, link, misplaced, unreadable

_HALF = (STAGING, CONDEMNED)
_FOUR = struct.Struct("<4Q")
_SETTLED_NS = 2_000_000_000
_LOST = "lost+found"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


Fingerprints = Mapping[str, bytes | None]
"""Fingerprints by path; ``None`` if there is no reliable one."""
_NONE: Fingerprints = MappingProxyType({})
_Seen = tuple[bytes, tuple[int, ...], os.stat_result, os.stat_result]
"""A fingerprint, the times in it, and what is told of ``objects`` and ``refs/heads``."""


class Found(NamedTuple):
    """A bare repository below the root."""

    path: str
    fingerprint: bytes
    touched_ns: int
    """When ``objects`` or ``refs/heads`` was last changed."""
    latest_ns: int
    """The latest of the times in the fingerprint."""

    def is_settled(self, taken_ns: int) -> bool:
        """Return whether every change after ``taken_ns`` is sure to change the fingerprint."""
        return self.latest_ns < taken_ns - _SETTLED_NS


class Owned(NamedTuple):
    """The content of one owner's folder."""

    known: Fingerprints
    """The fingerprints that were known before."""
    paths: list[str]
    """The paths of its repositories, in order."""
    news: list[Found | Unexpected]
    """Repositories whose fingerprints are not those that were known, and what is no repository."""

    def missed(self) -> set[str]:
        """Return the known paths that are missing."""
        if len(self.paths) == len(self.known) and not self.news:
            return set()
        return self.known.keys() - set(self.paths)


def walk(
    root: str,
    recall: Callable[[str], Fingerprints] = lambda _: _NONE,
    *,
    owner: str | None = None,
    is_exact: bool = False,
) -> Iterator[Owned]:
    """Yield each owner's folder, in the order of paths; follow no link.

    The database gives paths in the same order: what is in ``a-b`` comes before what is in ``a``.
    ``recall`` returns what is known of an owner's folder; nothing is taken for granted where the
    walk ``is_exact``. ``owner`` is the one folder to look into, in any case.

    Raises:
        OSError: The root cannot be read.
    """
    for entry in sorted(_scan(root), key=lambda entry: f"{entry.name}/"):
        name = entry.name
        if owner is not None and name.lower() != owner.lower():
            continue
        if entry.is_symlink():
            yield Owned(recall(name), [], [link(root, name)])
        elif entry.is_dir(follow_symlinks=False) and name[0] != "." and name != _LOST:
            owned = Owned(recall(name), [], [])
            _look_into(root, name, owned, is_exact=is_exact)
            yield owned


def look(folder: str, path: str) -> Found | None:
    """Return the bare repository in ``folder``, which is to be called ``path``; else ``None``.

    Raises:
        OSError: It cannot be looked at.
    """
    seen = _see(folder)
    return _found(path, seen) if seen else None


def _look_into(root: str, owner: str, owned: Owned, *, is_exact: bool) -> None:
    try:
        within = os.open(f"{root}/{owner}", _FOLDER)
    except FileNotFoundError:
        return
    except OSError as error:
        owned.news.append(unreadable(owner, error))
        return
    try:
        _list_inside(root, owner, within, owned, is_exact=is_exact)
    finally:
        os.close(within)


def _list_inside(root: str, owner: str, within: int, owned: Owned, *, is_exact: bool) -> None:
    entries = _scan(within)
    names = {entry.name for entry in entries}
    if names >= {"HEAD", "objects"} or not names.isdisjoint({".git", ".jj"}):
        owned.news.append(misplaced(owner))
        return
    known = _NONE if is_exact else owned.known
    folders = sorted([entry.name for entry in entries if entry.is_dir(follow_symlinks=False)])
    for name in folders:
        path = f"{owner}/{name}"
        try:
            seen = None if name.startswith(_HALF) else _see(name, within)
            if seen is None:
                owned.news.extend(filter(None, [explain(root, path)]))
                continue
        except FileNotFoundError:
            continue
        except OSError as error:
            owned.news.append(unreadable(path, error))
            continue
        owned.paths.append(path)
        if seen[0] != known.get(path):
            owned.news.append(_found(path, seen))
    if len(folders) < len(entries):
        links = [f"{owner}/{entry.name}" for entry in entries if entry.is_symlink()]
        owned.news.extend(link(root, path) for path in links)


def _see(folder: str, within: int | None = None) -> _Seen | None:
    """Look at the times of a repository's folders.

    ``within`` is the descriptor of what ``folder`` is relative to, if it is: that is a bit quicker.
    """
    try:
        objects = os.stat(folder + "/objects", dir_fd=within, follow_symlinks=False)
        heads = os.stat(folder + "/refs/heads", dir_fd=within, follow_symlinks=False)
        whole = os.stat(folder, dir_fd=within, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISDIR(objects.st_mode):
        return None
    times = whole.st_ctime_ns, objects.st_ctime_ns, heads.st_ctime_ns
    return _FOUR.pack(whole.st_ino, *times), times, objects, heads


def _found(path: str, seen: _Seen) -> Found:
    fingerprint, times, objects, heads = seen
    return Found(path, fingerprint, max(objects.st_mtime_ns, heads.st_mtime_ns), max(times))


def _scan(folder: str | int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)
