"""Reads files and folders that another process may be writing, or that may be hostile."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wit_admin.errors import DamagedJjError, JjPathError, MissingJjError, UnreadableJjError

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""With these flags a link is refused, and a pipe does not block."""
_O_PATH = getattr(os, "O_PATH", 0)
"""Linux only: opens a file without the permission to read it."""


def read_file(path: str | Path, *, most_bytes: int) -> bytes:
    """Return the content of a regular file.

    Raises:
        MissingJjError: It is not there.
        JjPathError: It is a symbolic link; jj writes none.
        DamagedJjError: It is no regular file, or larger than ``most_bytes``.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    with named_failures(path):
        descriptor = os.open(path, _FLAGS)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise DamagedJjError(f"{path} is not a file.")
            if found.st_size > most_bytes:
                raise DamagedJjError(f"{path} is larger than {most_bytes} bytes.")
            content = _read_whole(descriptor, found.st_size)
        finally:
            os.close(descriptor)
    if len(content) != found.st_size:
        raise MissingJjError(f"{path} changed while it was read.")
    return content


def _read_whole(descriptor: int, size: int) -> bytes:
    # One byte more, to notice a file that grows meanwhile.
    content = os.read(descriptor, size + 1)
    while len(content) < size:
        more = os.read(descriptor, size - len(content))
        if not more:
            break
        content += more
    return content


def list_names(folder: str | Path) -> list[str]:
    """Return the names in a folder, in no order.

    Raises:
        MissingJjError: It is not there.
        DamagedJjError: It is no folder.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    with named_failures(folder):
        return os.listdir(folder)  # noqa: PTH208  names are wanted, not paths


@contextmanager
def named_failures(path: str | Path) -> Iterator[None]:
    """Convert the system's errors about ``path`` to ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingJjError(f"{path} is not there.") from error
    except PermissionError as error:
        raise UnreadableJjError(
            f"{path} may not be read by this user.",
            hint="jj gives its files to their owner alone (mode 0600), whatever the umask: "
            "run as that user, as root, or with CAP_DAC_READ_SEARCH.",
        ) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise JjPathError(f"{path} is a symbolic link.") from error
        if error.errno in {errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.ENAMETOOLONG}:
            raise DamagedJjError(f"{path}: {error.strerror}.") from error
        raise UnreadableJjError(f"{path}: {error.strerror}.") from error


def is_plain(folder: str) -> bool:
    """Return whether a folder exists, without links or pointer files on the path to it."""
    try:
        descriptor = os.open(folder, os.O_DIRECTORY | os.O_CLOEXEC | _O_PATH)
    except OSError:
        return False
    try:
        # Three system calls; realpath would take one for each folder of the path.
        return os.readlink(f"/proc/self/fd/{descriptor}") == folder  # noqa: PTH115
    except OSError:
        return os.path.realpath(folder) == folder
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Boundary:
    """The folder that all paths must stay in, links followed; ``None`` allows every path."""

    root: Path | None = None

    def real(self, path: str | Path) -> Path:
        """Return the real path of ``path``, which may not exist.

        Raises:
            JjPathError: It is outside, or a pointer that names no path.
        """
        real = os.fspath(path)
        try:
            if not is_plain(real):
                real = os.path.realpath(real)
        except (ValueError, OSError) as error:
            raise JjPathError(f"A pointer to {os.fspath(path)!r} leads nowhere.") from error
        if self.root is not None and not f"{real}/".startswith(self._prefix):
            raise JjPathError(
                f"{path} leads out of {self.root}.",
                hint="Move the repository below the folder of repositories, or allow its place.",
            )
        return Path(real)

    @cached_property
    def _prefix(self) -> str:
        return os.path.join(os.path.realpath(self.root or "/"), "")  # noqa: PTH118  with its end
