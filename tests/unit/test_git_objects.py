"""The file of an object is read whole or not at all."""

from __future__ import annotations

import random
import zlib

import pytest

from wit_admin.git_objects import LOOSE_EXTRA_BYTES, decode_loose, hash_object

NOISE = random.Random(7).randbytes(100_000)


def written(kind: str, content: bytes) -> bytes:
    return zlib.compress(f"{kind} {len(content)}\0".encode() + content)


@pytest.mark.parametrize("id_bytes", [20, 32])
@pytest.mark.parametrize("content", [b"", b"text\n", NOISE], ids=["none", "text", "noise"])
def test_object_comes_back_up_to_the_limit(content: bytes, id_bytes: int) -> None:
    oid, packed = hash_object("blob", content, id_bytes), written("blob", content)

    assert decode_loose(packed, oid, most_bytes=len(content)) == ("blob", content)
    assert len(packed) < len(content) + LOOSE_EXTRA_BYTES
    if content:
        assert decode_loose(packed, oid, most_bytes=len(content) - 1) is None


def test_torn_or_foreign_file_is_no_object() -> None:
    content = NOISE[:1000]
    oid, packed = hash_object("blob", content, 20), written("blob", content)

    assert [
        left for left in range(len(packed)) if decode_loose(packed[:left], oid, most_bytes=2000)
    ] == []
    assert decode_loose(written("blob", content[1:]), oid, most_bytes=2000) is None
    assert decode_loose(written("tree", content), oid, most_bytes=2000) is None
    assert decode_loose(b"", oid, most_bytes=2000) is None


def test_unknown_kind_is_no_object() -> None:
    oid = hash_object("note", b"x", 20)

    assert decode_loose(written("note", b"x"), oid, most_bytes=10) is None
