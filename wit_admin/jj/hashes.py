"""The ids that Git gives to contents."""

from __future__ import annotations

import hashlib


def hash_object(kind: str, content: bytes, id_bytes: int) -> str:
    """Return the id of an object, for this length of ids."""
    header = f"{kind} {len(content)}\0".encode()
    # SHA-1 is what Git's ids are made of; nothing is secured with it here.
    digest = hashlib.sha256(header) if id_bytes == 32 else hashlib.sha1(header)  # noqa: PLR2004, S324
    digest.update(content)
    return digest.hexdigest()


def empty_tree_id(id_bytes: int) -> str:
    """Return the id of the tree without entries, for this length of ids."""
    return hash_object("tree", b"", id_bytes)
