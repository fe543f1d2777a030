"""Git's trees: what an entry is, and what is refused."""

from __future__ import annotations

import time

import pytest

from wit_admin.errors import DamagedJjError
from wit_admin.jj.trees import EntryKind, decode_tree

OID = "ab" * 20
ID = bytes.fromhex(OID)
LONG_OID = "cd" * 32


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (b"100644", EntryKind.FILE),
        (b"100664", EntryKind.FILE),
        (b"100755", EntryKind.EXECUTABLE),
        (b"100775", EntryKind.EXECUTABLE),
        (b"120000", EntryKind.SYMLINK),
        (b"40000", EntryKind.TREE),
        (b"040000", EntryKind.TREE),
        (b"160000", EntryKind.SUBMODULE),
    ],
)
def test_entry_is_its_kind_and_its_object(mode: bytes, kind: EntryKind) -> None:
    entries = decode_tree(OID, mode + b" a b\xff\0" + ID)

    assert [(name, each.kind, each.oid) for name, each in entries.items()] == [
        (b"a b\xff", kind, OID)
    ]


def test_ids_are_as_long_as_the_one_of_the_tree() -> None:
    # The object's id holds what looks like the next entry.
    odd = b"\n100644 x\0".ljust(32, b"\0")

    entries = decode_tree(LONG_OID, b"100644 a\0" + odd + b"100644 b\0" + bytes(32))

    assert [each.oid for each in entries.values()] == [odd.hex(), "00" * 32]


@pytest.mark.parametrize(
    "content",
    [
        b"100644 a\0" + ID[1:],
        b"100644 a\0" + ID + b"!",
        b"!100644 a\0" + ID,
        b"100644 a\0" + ID + b" 100644 b\0" + ID,
        b"100684 a\0" + ID,
        b"10064400 a\0" + ID,
        b" a\0" + ID,
        b"100644\0" + ID,
        b"100644 a",
    ],
)
def test_tree_with_anything_else_in_it_is_refused(content: bytes) -> None:
    with pytest.raises(DamagedJjError, match="malformed"):
        decode_tree(OID, content)


@pytest.mark.parametrize("part", [b"7 ", b"7 a\0", b"7777777", b"100644 a\0" + ID + b"7 "])
def test_millions_of_beginnings_are_refused_soon(part: bytes) -> None:
    started = time.process_time()

    with pytest.raises(DamagedJjError):
        decode_tree(OID, part * 500_000 + b"8")

    assert time.process_time() - started < 10


def test_tree_whose_name_is_no_id_is_refused() -> None:
    with pytest.raises(DamagedJjError):
        decode_tree("abc", b"100644 a\0" + ID)
