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
from collections.abc import Iterator, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple, Protocol

from wit_admin.git.repositories.storage import CONDEMNED, STAGING
from wit_admin.git.repositories.unexpected import Unexpected, explain, link, misplaced, unreadable

_HALF = (STAGING, CONDEMNED)
_FOUR = struct.Struct("<4Q")
_SETTLED_NS = 2_000_000_000
_LOST = "lost+found"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BY_NAME = attrgetter("name")
_AT_ONCE = 100
"""How many folders are looked at before they are compared with what was known."""

Fingerprints = Mapping[str, bytes | None]
"""Fingerprints by path; ``None`` if there is no reliable one."""
_NONE: Fingerprints = MappingProxyType({})
_Look = tuple[str, os.stat_result, os.stat_result, os.stat_result]
"""A folder's name, and what is told of itself, of ``objects`` and of ``refs/heads`` in it."""


class Known(Protocol):
    """The repositories that were known before; the walk asks in the order of paths."""

    def are_next(self, paths: list[str], fingerprints: list[bytes]) -> bool:
        """Pass these repositories if they are exactly the next ones; return whether they are."""

    def pass_until(self, paths: list[str]) -> Fingerprints:
        """Pass all up to the last of these paths; return the fingerprints of those passed."""


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
    """Some of the content of one owner's folder."""

    paths: list[str]
    """The paths of its repositories, in order."""
    news: list[Found | Unexpected]
    """Repositories whose fingerprints are not those that were known, and what is no repository."""
    known: Fingerprints = _NONE
    """The fingerprints that were known of the repositories in ``news``, among others."""


def walk(
    root: str, known: Known | None = None, *, owner: str | None = None, is_exact: bool = False
) -> Iterator[Owned]:
    """Yield the content of the owners' folders, in the order of paths; follow no link.

    The database gives paths in the same order: what is in ``a-b`` comes before what is in ``a``.
    Nothing that is ``known`` is taken for granted where the walk ``is_exact``. ``owner`` is the one
    folder to look into, in any case.

    Raises:
        OSError: The root cannot be read.
    """
    for entry in sorted(_scan(root), key=lambda entry: f"{entry.name}/"):
        name = entry.name
        if owner is not None and name.lower() != owner.lower():
            continue
        if entry.is_symlink():
            yield Owned([], [link(root, name)])
        elif entry.is_dir(follow_symlinks=False) and name[0] != "." and name != _LOST:
            yield from _look_into(root, name, known, is_exact=is_exact)


def look(folder: str, path: str) -> Found | None:
    """Return the bare repository in ``folder``, which is to be called ``path``; else ``None``.

    Raises:
        OSError: It cannot be looked at.
    """
    try:
        whole, objects, heads = map(os.lstat, (folder, f"{folder}/objects", f"{folder}/refs/heads"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    seen = (path, whole, objects, heads)
    return _found(path, seen, _fingerprint(seen)) if stat.S_ISDIR(objects.st_mode) else None


def _look_into(root: str, owner: str, known: Known | None, *, is_exact: bool) -> Iterator[Owned]:
    try:
        within = os.open(f"{root}/{owner}", _FOLDER)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Owned([], [unreadable(owner, error)])
        return
    try:
        folders, odd = _list_inside(root, owner, within)
        if odd:
            yield Owned([], odd)
        while folders:
            # An entry keeps what it was told, so the list gives up each before it is asked.
            some = folders[: -_AT_ONCE - 1 : -1]
            del folders[-_AT_ONCE:]
            looks, failed = _look_at(some, within)
            yield _compare(root, owner, looks, known, is_exact=is_exact)
            for name, reason in failed:
                yield Owned([], list(_explain(root, f"{owner}/{name}", reason)))
    finally:
        os.close(within)


def _list_inside(
    root: str, owner: str, within: int
) -> tuple[list[os.DirEntry[str]], list[Found | Unexpected]]:
    """Return the folders in an owner's folder, the last one first, and what else is in there."""
    entries = _scan(within)
    names = set(map(_BY_NAME, entries))
    if names >= {"HEAD", "objects"} or not names.isdisjoint({".git", ".jj"}):
        return [], [misplaced(owner)]
    folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    folders.sort(key=_BY_NAME, reverse=True)
    if len(folders) == len(entries):
        return folders, []
    links = [f"{owner}/{entry.name}" for entry in entries if entry.is_symlink()]
    return folders, [link(root, path) for path in links]


def _look_at(
    folders: list[os.DirEntry[str]], within: int
) -> tuple[list[_Look], list[tuple[str, OSError]]]:
    """Look at folders, and return separately which ones could not be looked at.

    These three system calls take most of the time of a sync without changes. They are relative to
    ``within``, the descriptor of the folder that all are in, which is a bit quicker.
    """
    lstat, looks, failed = os.lstat, [], []
    for entry in folders:
        name = entry.name
        try:
            whole = entry.stat(follow_symlinks=False)
            objects = lstat(name + "/objects", dir_fd=within)
            heads = lstat(name + "/refs/heads", dir_fd=within)
        except OSError as error:
            failed.append((name, error))
        else:
            looks.append((name, whole, objects, heads))
    return looks, failed


def _compare(
    root: str, owner: str, looks: list[_Look], known: Known | None, *, is_exact: bool
) -> Owned:
    """Compare folders with what was known of them.

    If nothing changed, nothing else is asked: only whole repositories were ever known.
    """
    paths = [f"{owner}/{look[0]}" for look in looks]
    # A call for each would take a hundredth of a sync without changes.
    fingerprints = [
        _FOUR.pack(whole.st_ino, whole.st_ctime_ns, objects.st_ctime_ns, heads.st_ctime_ns)
        for _, whole, objects, heads in looks
    ]
    if known is not None and not is_exact and known.are_next(paths, fingerprints):
        return Owned(paths, [])
    whole = {
        path: (look, fingerprint)
        for path, look, fingerprint in zip(paths, looks, fingerprints, strict=True)
        if _is_whole(look)
    }
    before = known.pass_until(list(whole)) if known is not None and whole else _NONE
    news: list[Found | Unexpected] = []
    for path in paths:
        if path not in whole:
            news.extend(_explain(root, path))
            continue
        look, fingerprint = whole[path]
        if is_exact or fingerprint != before.get(path):
            news.append(_found(path, look, fingerprint))
    return Owned(list(whole), news, before)


def _explain(root: str, path: str, error: OSError | None = None) -> Iterator[Unexpected]:
    """Yield what there is to say of a folder that is no repository, or could not be looked at."""
    is_half = path.partition("/")[2].startswith(_HALF)
    try:
        if is_half or error is None or isinstance(error, (FileNotFoundError, NotADirectoryError)):
            yield from filter(None, [explain(root, path)])
        else:
            yield unreadable(path, error)
    except FileNotFoundError:
        return
    except OSError as new:
        yield unreadable(path, new)


def _is_whole(look: _Look) -> bool:
    name, _, objects, _ = look
    return stat.S_ISDIR(objects.st_mode) and not name.startswith(_HALF)


def _fingerprint(look: _Look) -> bytes:
    _, whole, objects, heads = look
    return _FOUR.pack(whole.st_ino, whole.st_ctime_ns, objects.st_ctime_ns, heads.st_ctime_ns)


def _found(path: str, look: _Look, fingerprint: bytes) -> Found:
    _, whole, objects, heads = look
    touched_ns = max(objects.st_mtime_ns, heads.st_mtime_ns)
    latest_ns = max(whole.st_ctime_ns, objects.st_ctime_ns, heads.st_ctime_ns)
    return Found(path, fingerprint, touched_ns, latest_ns)


def _scan(folder: str | int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)
