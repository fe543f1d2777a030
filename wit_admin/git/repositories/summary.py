"""Summarizes an untrusted repository for its row: HEAD, size, object format, ``[wit]``.

It follows no links, opens no pipes, and reads only the beginning of large files. It does not use
libgit2, which would follow includes to anywhere. Source: gitrepository-layout(5).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from wit_admin.git.files.plain import MAX_CONFIG_BYTES, read_plain
from wit_admin.git.refs.names import is_head, parse_head
from wit_admin.git.repositories.wit_section import parse_own

_MAX_HEAD_BYTES = 4096
_MAX_DESCRIPTION_BYTES = 4096
_EXTENSION = rb"^\s*%b\s*=\s*\"?(\w+)"
_FORMAT = re.compile(_EXTENSION % b"objectformat", re.IGNORECASE | re.MULTILINE)
_REFS = re.compile(_EXTENSION % b"refstorage", re.IGNORECASE | re.MULTILINE)
_UNNAMED = "Unnamed repository"
"""The beginning of ``description`` in git's own template."""
_FANOUT_DIGITS = 2
_LATEST_NS = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()) * 10**9


class Summary(NamedTuple):
    """What the files of a repository say of it."""

    head: str | None
    """The branch that HEAD names; ``None`` if HEAD is detached or stored elsewhere."""
    has_config: bool
    """Whether its config is a file, and not empty."""
    own: Mapping[str, str]
    """The section ``[wit]`` of its config."""
    object_format: str
    description: str | None
    size_bytes: int
    """The size of its objects; 0 if nothing was ever pushed."""


def summarize(path: str) -> Summary:
    """Summarize the repository whose folder is ``path``.

    Raises:
        OSError: It cannot be read, or has no HEAD that git would take.
    """
    config = read_plain(f"{path}/config", MAX_CONFIG_BYTES)
    head, object_format = _read_head(path), "sha1"
    if b"extensions" in config.lower():
        if found := _FORMAT.search(config):
            object_format = found[1].decode().lower()
        if _REFS.search(config):
            head = None
    description = _read_description(path)
    size_bytes = size_of_objects(f"{path}/objects")
    return Summary(head, bool(config), parse_own(config), object_format, description, size_bytes)


def newest_ref(path: str) -> datetime | None:
    """Return when the latest loose ref was written; ``None`` if all are packed.

    Packing writes refs anew, so the time of ``packed-refs`` says nothing.
    """
    newest = 0
    waiting = [] if os.path.islink(f"{path}/refs") else [f"{path}/refs"]
    while waiting:
        for entry in _scan(waiting.pop()):
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".lock"):
                with suppress(FileNotFoundError):
                    newest = max(newest, entry.stat(follow_symlinks=False).st_mtime_ns)
    return moment(newest) if newest else None


def moment(time_ns: int) -> datetime:
    """Return a file's time as the database keeps it; some file systems have times of any year."""
    return datetime.fromtimestamp(min(max(time_ns, 0), _LATEST_NS) // 1000 / 1e6, UTC)


def _read_head(path: str) -> str | None:
    file = f"{path}/HEAD"
    try:
        data = read_plain(file, _MAX_HEAD_BYTES)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        # A symbolic link to a branch, as git made HEAD long ago.
        data = b"ref: " + os.fsencode(os.readlink(file))
    if not data and not os.path.lexists(file):
        raise FileNotFoundError(errno.ENOENT, "there is no HEAD", file)
    if not is_head(data):
        raise OSError(errno.EINVAL, "HEAD names neither a branch nor a commit", file)
    head = parse_head(data)
    # git makes no such branch, and a database takes no such text.
    return head if head and min(head) >= " " else None


def _read_description(path: str) -> str | None:
    data = read_plain(f"{path}/description", _MAX_DESCRIPTION_BYTES)
    if not data:
        return None
    text = data.decode("utf-8", "replace").replace("\0", "").strip()
    return text if text and not text.startswith(_UNNAMED) else None


def size_of_objects(objects: str) -> int:
    """Return the bytes of a folder of objects, loose and packed, without what is being written."""
    total = 0
    for folder in _scan(objects):
        is_inner = len(folder.name) == _FANOUT_DIGITS or folder.name == "pack"
        if is_inner and folder.is_dir(follow_symlinks=False):
            for entry in _scan(folder.path):
                try:
                    if not entry.name.startswith("tmp_"):
                        total += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue
    return total


def _scan(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
