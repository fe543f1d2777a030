"""Git's loose objects, read without libgit2; see :mod:`wit_admin.git_objects`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.git_objects import LOOSE_EXTRA_BYTES, decode_loose
from wit_admin.jj.files import read_file


def read_loose(folders: Iterable[Path], oid: str, *, most_bytes: int) -> tuple[str, bytes] | None:
    """Return the kind and the content of a loose object; ``None`` if it is not in ``folders``.

    Raises:
        DamagedJjError: It is torn, larger than ``most_bytes``, or not what its name says.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    for folder in folders:
        try:
            path = f"{folder}/{oid[:2]}/{oid[2:]}"
            packed = read_file(path, most_bytes=most_bytes + LOOSE_EXTRA_BYTES)
        except MissingJjError:
            continue
        found = decode_loose(packed, oid, most_bytes=most_bytes)
        if found is None:
            raise DamagedJjError(f"The object {oid} is torn or larger than {most_bytes} bytes.")
        return found
    return None
