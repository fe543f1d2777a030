"""Reads all refs of a repository from git's files, without a process and without a lock.

Whatever is not plain (a symbolic link below ``refs/``, settings that say what is shown, another
ref format) is left to git: :class:`NotPlainError` says so.
Source: gitrepository-layout(5); git's refs/files-backend.c and refs/packed-backend.c.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.files.marks import NotPlainError, read_file
from wit_admin.git.refs.names import HEADS, is_ref_name
from wit_admin.git.refs.packed import PackedRefs, StoredRef, read_packed

_OID = re.compile(rb"[0-9a-f]{40}")
_MAX_REF_BYTES = 4096
_MAX_CONFIG_BYTES = 64 * 1024
MAX_SYMBOLIC = 5
"""As many times git follows a symbolic ref. Source: git's refs.h, SYMREF_MAXDEPTH."""

_PLAIN_SECTIONS = frozenset(
    {b"core", b"remote", b"branch", b"user", b"author", b"committer", b"gc", b"pack", b"repack",
     b"http", b"wit", b"jj", b"gitweb", b"maintenance", b"commitgraph", b"index", b"fetch",
     b"push", b"advice", b"color", b"diff", b"merge", b"pull", b"rebase", b"alias", b"lfs"}
)  # fmt: skip
"""Sections of a config that do not change what a client is shown."""
_SWITCHED = re.compile(
    rb"^[^#;\n]*\b(?:upload|receive)pack\s*=(?![ \t]*true[ \t\r]*$)", re.IGNORECASE | re.MULTILINE
)
"""``http.uploadpack`` or ``http.receivepack``, when it does not simply allow what git allows."""
_UNUSUAL = (b"/.git", b"/commondir", b"/config.worktree", b"/reftable", b"/shallow")
"""With one of these git reads refs elsewhere, or shows more than refs."""
_SECTION = re.compile(rb"\[\s*([A-Za-z0-9.-]*)")


@dataclass(frozen=True, slots=True)
class StoredRefs:
    """``HEAD`` and all refs by name, each of them resolved."""

    refs: tuple[StoredRef, ...]
    head_target: bytes | None
    """The ref that HEAD names, whether or not it exists; ``None`` for a detached HEAD."""
    head_oid: bytes | None
    """``None`` for an unborn branch."""
    folders: tuple[bytes, ...]
    """Folders that were read: a change below them moves one of their times."""
    packed: PackedRefs


def read_refs(gitdir: Path, *, known: PackedRefs | None = None) -> StoredRefs:
    """Read the refs of a plain repository; the newest value wins, as for any reader of git's.

    ``known`` saves reading ``packed-refs`` again, if that is still the same file.

    Raises:
        NotPlainError: git itself has to be asked.
    """
    root = os.fsencode(gitdir)
    _check_plain(root)
    loose: dict[bytes, bytes] = {}
    folders: list[bytes] = []
    _read_loose(root, b"refs", loose, folders)
    # Loose ones first: a ref that is being packed is in both for a while.
    packed = read_packed(root, known)
    values = dict(packed.refs)
    symbolic: dict[bytes, bytes] = {}
    for name, content in loose.items():
        target = _symbolic_target(content)
        if target is None:
            values[name] = _loose_ref(name, content)
        else:
            symbolic[name] = target
            values.pop(name, None)
    for name in symbolic:
        _resolve(name, symbolic, values)
    refs = tuple(values[name] for name in sorted(values))
    head = _read_needed(root + b"/HEAD")
    target = _symbolic_target(head)
    if target is None:
        return StoredRefs(refs, None, _loose_ref(b"HEAD", head).oid, tuple(folders), packed)
    if target in symbolic:
        raise NotPlainError
    found = values.get(target)
    return StoredRefs(refs, target, found.oid if found else None, tuple(folders), packed)


def _loose_ref(name: bytes, content: bytes) -> StoredRef:
    if not _OID.fullmatch(content):
        raise NotPlainError
    # git lets only commits be branches.
    return StoredRef(name, content, b"" if name.startswith(HEADS) else None)


def _check_plain(root: bytes) -> None:
    for name in _UNUSUAL:
        if os.path.lexists(root + name):
            raise NotPlainError
    if os.path.islink(root + b"/refs"):  # noqa: PTH114  pathlib knows no bytes
        raise NotPlainError
    config = _read_needed(root + b"/config", most=_MAX_CONFIG_BYTES)
    sections = {name.lower() for name in _SECTION.findall(config)}
    if not sections <= _PLAIN_SECTIONS or _SWITCHED.search(config):
        raise NotPlainError


def _read_loose(root: bytes, below: bytes, found: dict[bytes, bytes], folders: list[bytes]) -> None:
    folder = root + b"/" + below
    folders.append(folder)
    for entry in _entries(folder):
        name = below + b"/" + entry.name
        if entry.name.startswith(b".") or entry.name.endswith(b".lock"):
            continue
        if entry.is_dir(follow_symlinks=False):
            _read_loose(root, name, found, folders)
            continue
        if not is_ref_name(name):
            raise NotPlainError
        try:
            found[name] = read_file(entry.path, most=_MAX_REF_BYTES).strip()
        except FileNotFoundError:
            # Deleted or packed meanwhile; packed refs are read later.
            continue


def _entries(folder: bytes) -> Iterator[os.DirEntry[bytes]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:
        return
    except OSError:
        raise NotPlainError from None


def _resolve(name: bytes, symbolic: dict[bytes, bytes], values: dict[bytes, StoredRef]) -> None:
    target = name
    for _ in range(MAX_SYMBOLIC):
        target = symbolic[target]
        if target not in symbolic:
            break
    else:
        raise NotPlainError
    found = values.get(target)
    if found is not None:
        values[name] = StoredRef(name, found.oid, found.peeled, symref_target=target)


def _symbolic_target(content: bytes) -> bytes | None:
    if not content.startswith(b"ref:"):
        return None
    target = content[4:].strip()
    if not is_ref_name(target):
        raise NotPlainError
    return target


def _read_needed(path: bytes, *, most: int = _MAX_REF_BYTES) -> bytes:
    try:
        return read_file(path, most=most).strip()
    except FileNotFoundError:
        raise NotPlainError from None
