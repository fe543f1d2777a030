"""Peels tag objects.

Reads the object database alone: neither the repository's settings nor who owns it matter.
"""

from __future__ import annotations

import re

from wit_admin.git.objects.reader import ObjectReader, TooLargeObjectError

_TAG_HEAD = re.compile(rb"object ([0-9a-f]{40})\ntype ([a-z]+)\n")
_MAX_DEPTH = 64
_MAX_TAG_BYTES = 1024 * 1024


def peel(objects: ObjectReader, oid: bytes) -> bytes:
    """Return what ``oid`` points at if it is a tag; ``b""`` if it is none, missing or malformed."""
    current, is_tag = oid, False
    for _ in range(_MAX_DEPTH):
        try:
            tag = objects.read(current, most_bytes=_MAX_TAG_BYTES, only="tag")
        except TooLargeObjectError:
            break
        found = None if tag is None else _TAG_HEAD.match(tag.content)
        if found is None:
            break
        current, is_tag = found[1], True
    return current if is_tag else b""
