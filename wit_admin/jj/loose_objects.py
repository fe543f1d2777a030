"""Git's loose objects, read without libgit2: that never comes back from one that is torn.

Source: gitformat-loose(5).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.files import read_file
from wit_admin.jj.hashes import hash_object

_MAX_HEADER_BYTES = 32


def read_loose(folders: Iterable[Path], oid: str, *, most_bytes: int) -> tuple[str, bytes] | None:
    """Return the kind and the content of a loose object; ``None`` if it is not in ``folders``.

    Raises:
        DamagedJjError: It is torn, larger than ``most_bytes``, or not what its name says.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    for folder in folders:
        try:
            packed = read_file(f"{folder}/{oid[:2]}/{oid[2:]}", most_bytes=most_bytes)
        except MissingJjError:
            continue
        return _decode(oid, packed, most_bytes)
    return None


def _decode(oid: str, packed: bytes, most_bytes: int) -> tuple[str, bytes]:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, most_bytes + _MAX_HEADER_BYTES)
    except zlib.error as error:
        raise DamagedJjError(f"The object {oid} is torn or malformed.") from error
    header, nul, content = data.partition(b"\0")
    kind = header.partition(b" ")[0].decode("ascii", "replace")
    # The name covers the kind and the length, too.
    if not inflater.eof or not nul or hash_object(kind, content, len(oid) // 2) != oid:
        raise DamagedJjError(f"The object {oid} is torn or larger than {most_bytes} bytes.")
    return kind, content
