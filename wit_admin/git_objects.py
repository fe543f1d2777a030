"""Git's object ids, the loose object format, and alternates.

Both ``git`` and ``jj`` need it. libgit2 is not used for it because it hangs on a torn file.
Source: gitformat-loose(5); gitrepository-layout(5), "objects/info/alternates".
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib

LOOSE_EXTRA_BYTES = 64 * 1024
"""The file of a loose object is at most this much larger than the object."""
MAX_ALTERNATES_BYTES = 64 * 1024
ALTERNATES_DEPTH = 5
"""How deep git follows alternates. Source: git's object-file.c, ``link_alt_odb_entries``."""
_MAX_HEADER_BYTES = 32
_HEADER = re.compile(rb"(commit|tree|blob|tag) (\d{1,12})\0")


def hash_object(kind: str, content: bytes, id_bytes: int) -> str:
    """Return the id of an object, for this length of ids."""
    return _digest(f"{kind} {len(content)}\0".encode(), content, id_bytes=id_bytes)


def empty_tree_id(id_bytes: int) -> str:
    """Return the id of the tree without entries, for this length of ids."""
    return hash_object("tree", b"", id_bytes)


def decode_loose(packed: bytes, oid: str, *, most_bytes: int) -> tuple[str, bytes] | None:
    """Return the kind and the content of the object ``oid`` from the content of its file.

    ``None`` when that is torn, malformed, or not what its name says, or when the object has more
    than ``most_bytes``.
    """
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, most_bytes + _MAX_HEADER_BYTES)
    except zlib.error:
        return None
    found = _HEADER.match(data)
    # The id is a hash that covers kind and size, too.
    if found is None or not inflater.eof or _digest(data, id_bytes=len(oid) // 2) != oid:
        return None
    content = data[found.end() :]
    return None if len(content) > most_bytes else (found[1].decode(), content)


def parse_alternates(objects: str, content: bytes) -> list[str]:
    """Return the folders that the folder ``objects`` borrows from by its ``info/alternates``.

    Raises:
        ValueError: One is quoted, as only a path is that holds a line break or begins so; or it
            holds a zero byte, where git would end it.
    """
    lines = [line for line in content.split(b"\n") if line and not line.startswith(b"#")]
    if b"\0" in content or any(line.startswith(b'"') for line in lines):
        raise ValueError("a path that is quoted, or none")
    return [os.path.join(objects, os.fsdecode(line)) for line in lines]  # noqa: PTH118  as git does


def _digest(*parts: bytes, id_bytes: int) -> str:
    # SHA-1 is what Git's ids are made of; nothing is secured with it here.
    digest = hashlib.sha256() if id_bytes == 32 else hashlib.sha1(usedforsecurity=False)  # noqa: PLR2004  SHA-256
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
