"""Reads and measures files of a repository that is inspected, and refuses it with a sentence."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from wit_admin.errors import ConflictError, UnavailableError


@contextmanager
def named_failures() -> Iterator[None]:
    """Convert errors of the file system to errors with a sentence.

    Raises:
        ConflictError: The repository can be repaired.
        UnavailableError: The disk fails.
    """
    try:
        yield
    except PermissionError:
        raise refusal("the server may not read all of it") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise refusal("a link in it leads to itself") from None
        raise UnavailableError("The repository cannot be read from disk.") from error


def check_kind(path: str, shown: str) -> None:
    """Check that a path is nothing that blocks whoever opens it, such as a pipe.

    Raises:
        ConflictError: It is; the sentence calls it ``shown``.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    # A socket, such as that of a file system monitor, cannot be opened and so cannot block.
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise refusal(f"{shown} is neither file nor folder")


def scan(path: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder."""
    with os.scandir(path) as entries:
        return list(entries)


def read_file(path: str) -> bytes:
    """Return the content of a file; empty if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""


def file_size(path: str) -> int:
    """Return the size of a file in bytes; 0 if there is none."""
    try:
        return os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def leads_out(shown: str) -> ConflictError:
    """Return the refusal of a repository in which ``shown`` leads out of the root."""
    return refusal(f"{shown} leads out of the folder of repositories")


def refusal(what: str) -> ConflictError:
    """Return the refusal of a repository because of ``what`` in it."""
    return ConflictError(
        f"The repository is not served: {what}.", hint="An operator can mend that on disk."
    )
