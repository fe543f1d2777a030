"""Reads the current value of one ref from git's files.

libgit2 refuses repositories with SHA-256 ids or with extensions that it does not know, so the
files are read here. Source: gitrepository-layout(5); git's refs/files-backend.c.
"""

from __future__ import annotations

import mmap
import os
import re
from pathlib import Path

from wit_admin.git.refs.names import is_ref_name, ref_bytes
from wit_admin.git.refs.snapshot import MAX_SYMBOLIC

_OID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def read_ref(gitdir: Path, ref: str) -> str | None:
    """Return the id that ``ref`` holds, or ``None`` when there is no such ref.

    Symbolic refs are followed.
    """
    if has_reftable(gitdir):
        return _read_reftable(gitdir, ref_bytes(ref))
    root, name = os.fsencode(gitdir), ref_bytes(ref)
    for _ in range(MAX_SYMBOLIC):
        # The loose one first: while a ref is being packed it is in both.
        value = _read_loose(root, name) or _read_packed(root, name)
        if value is None or not value.startswith(b"ref:"):
            return value.decode() if value and _OID.fullmatch(value) else None
        name = value.removeprefix(b"ref:").strip()
        if not is_ref_name(name):
            # It could lead to any file, or to a pipe that nobody writes to.
            return None
    return None


def symbolic_target(gitdir: Path, ref: bytes) -> bytes | None:
    """Return the ref that a push to this one changes, if it is symbolic."""
    root, name = os.fsencode(gitdir), ref
    for _ in range(MAX_SYMBOLIC):
        value = _read_link(root, name) or _read_loose(root, name)
        if value is None or not value.startswith(b"ref:"):
            break
        name = value.removeprefix(b"ref:").strip()
        if not is_ref_name(name):
            return None
    return None if name == ref else name


def has_reftable(gitdir: Path) -> bool:
    """Return whether refs are stored as a reftable, which only git itself may write."""
    return (gitdir / "reftable").is_dir()


def _read_loose(root: bytes, name: bytes) -> bytes | None:
    try:
        with open(root + b"/" + name, "rb") as file:  # noqa: PTH123  pathlib knows no bytes
            return file.read(4096).strip() or None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _read_link(root: bytes, name: bytes) -> bytes | None:
    """Return what the older kind of symbolic ref, a link in the file system, comes down to."""
    try:
        return b"ref: " + os.readlink(root + b"/" + name)  # noqa: PTH115  pathlib knows no bytes
    except OSError:
        return None


def _read_packed(root: bytes, name: bytes) -> bytes | None:
    try:
        with (
            open(root + b"/packed-refs", "rb") as file,  # noqa: PTH123  pathlib knows no bytes
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as packed,
        ):
            at = packed.find(b" %b\n" % name)
            return None if at < 0 else packed[packed.rfind(b"\n", 0, at) + 1 : at]
    except (FileNotFoundError, ValueError):
        # An empty file cannot be mapped.
        return None


def _read_reftable(gitdir: Path, name: bytes) -> str | None:
    from dulwich.errors import RefFormatError  # noqa: PLC0415  heavy, and seldom needed
    from dulwich.refs import Ref  # noqa: PLC0415
    from dulwich.reftable import ReftableRefsContainer  # noqa: PLC0415

    try:
        return ReftableRefsContainer(os.fspath(gitdir))[Ref(name)].decode()
    except (KeyError, RefFormatError):
        return None
