"""One look at a bare repository for the row about it: read with care, since it is not trusted.

No link is followed, no pipe is opened, nothing is read whole that could be large. libgit2 would
follow includes to anywhere. Source: gitrepository-layout(5).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from wit_admin.git.own_config import parse_own
from wit_admin.git.plain_files import MOST_CONFIG, read_plain
from wit_admin.git.storage import parse_head

_MOST_HEAD = 4096
_MOST_DESCRIPTION = 4096
_FORMAT = re.compile(rb"^\s*objectformat\s*=\s*\"?(\w+)", re.IGNORECASE | re.MULTILINE)
_UNNAMED = "Unnamed repository"
"""What git's own template says in ``description``."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What a repository on disk says of itself."""

    head: str | None
    """The branch that HEAD names; ``None`` when it is detached or not in that file."""
    own: Mapping[str, str]
    """The section ``[wit]`` of its config."""
    object_format: str
    description: str | None
    size_bytes: int
    is_pristine: bool
    """It has no ref."""
    touched_at: datetime
    """The latest of the times of ``objects`` and ``refs/heads``."""


def glance(path: str) -> Glance:
    """Look at the repository whose folder is ``path``.

    Raises:
        OSError: It cannot be read, or is not made as git makes one.
    """
    config = read_plain(f"{path}/config", MOST_CONFIG)
    head = read_plain(f"{path}/HEAD", _MOST_HEAD)
    is_reftable = os.path.lexists(f"{path}/reftable")
    found = _FORMAT.search(config)
    times = (os.lstat(f"{path}/objects").st_mtime_ns, os.lstat(f"{path}/refs/heads").st_mtime_ns)
    return Glance(
        head=None if is_reftable else parse_head(head),
        own=parse_own(config),
        object_format=found[1].decode().lower() if found else "sha1",
        description=_description(path),
        size_bytes=_size_of_objects(f"{path}/objects"),
        is_pristine=not is_reftable and _has_no_refs(path),
        touched_at=_moment(max(times)),
    )


def newest_ref(path: str) -> datetime | None:
    """Return when the latest loose ref was written; ``None`` when all are packed.

    Packing writes refs anew, so the time of ``packed-refs`` says nothing.
    """
    newest = 0
    waiting = [f"{path}/refs"]
    while waiting:
        for entry in _scan(waiting.pop()):
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".lock"):
                newest = max(newest, entry.stat(follow_symlinks=False).st_mtime_ns)
    return _moment(newest) if newest else None


def _description(path: str) -> str | None:
    text = read_plain(f"{path}/description", _MOST_DESCRIPTION).decode("utf-8", "replace").strip()
    if not text or text.startswith(_UNNAMED):
        return None
    return text.replace("\0", "")


def _has_no_refs(path: str) -> bool:
    if os.path.lexists(f"{path}/packed-refs"):
        return False
    return not any(
        True for kind in ("heads", "tags") for entry in _scan(f"{path}/refs/{kind}")
    ) and all(entry.name in {"heads", "tags"} for entry in _scan(f"{path}/refs"))


def _size_of_objects(objects: str) -> int:
    total = 0
    for folder in _scan(objects):
        if (len(folder.name) == 2 or folder.name == "pack") and folder.is_dir(  # noqa: PLR2004
            follow_symlinks=False
        ):
            total += sum(
                entry.stat(follow_symlinks=False).st_size
                for entry in _scan(folder.path)
                if not entry.name.startswith("tmp_")
            )
    return total


def _scan(path: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1000 / 1e6, UTC)
