"""The table of extras: chains, several heads, and faults."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.jj_writer import encode_segment
from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.stacked_table import decode_segment, open_table

KEY, OTHER = b"k" * 20, b"o" * 20


class TableWriter:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "heads").mkdir(parents=True)

    def segment(self, rows: Mapping[bytes, bytes], parent: str | None = None) -> str:
        content = encode_segment(parent, rows)
        name = hashlib.blake2b(content).hexdigest()
        (self.folder / name).write_bytes(content)
        return name

    def heads(self, *names: str) -> None:
        for name in names:
            (self.folder / "heads" / name).touch()


@pytest.fixture
def table(tmp_path: Path) -> TableWriter:
    return TableWriter(tmp_path / "extra")


def test_value_nearest_to_the_head_wins(table: TableWriter) -> None:
    below = table.segment({KEY: b"old", OTHER: b"other"})
    table.heads(table.segment({KEY: b"new"}, below))

    found = open_table(table.folder, key_bytes=20)

    assert (found.find(KEY), found.find(OTHER)) == (b"new", b"other")
    assert found.find(b"z" * 20) is None
    assert not found.is_lost


def test_values_of_every_key_are_found_however_many_are_asked_for(table: TableWriter) -> None:
    rows = {hashlib.sha1(b"%d" % n, usedforsecurity=False).digest(): b"v" * n for n in range(300)}
    table.heads(table.segment(rows))

    found = open_table(table.folder, key_bytes=20)

    for key, value in rows.items():
        assert found.find(key) == value
        assert found.find(key[::-1]) is None


def test_chains_of_several_heads_are_all_searched(table: TableWriter) -> None:
    base = table.segment({b"b" * 20: b"base"})
    table.heads(table.segment({KEY: b"one"}, base), table.segment({OTHER: b"two"}, base))

    found = open_table(table.folder, key_bytes=20)

    assert [found.find(key) for key in (KEY, OTHER, b"b" * 20)] == [b"one", b"two", b"base"]


def test_lost_heads_leave_an_empty_table_that_says_so(table: TableWriter) -> None:
    table.segment({KEY: b"value"})

    found = open_table(table.folder, key_bytes=20)

    assert found.find(KEY) is None
    assert found.is_lost


def test_repository_without_extras_has_an_empty_table(tmp_path: Path) -> None:
    found = open_table(tmp_path / "none", key_bytes=20)

    assert found.find(KEY) is None
    assert not found.is_lost


def test_segments_known_before_are_not_read_again(table: TableWriter) -> None:
    below = table.segment({KEY: b"value"})
    table.heads(below)
    before = open_table(table.folder, key_bytes=20)
    table.heads(table.segment({OTHER: b"more"}, below))
    (table.folder / "heads" / below).unlink()
    (table.folder / below).unlink()

    after = open_table(table.folder, key_bytes=20, known=before)

    assert (after.find(KEY), after.find(OTHER)) == (b"value", b"more")
    assert open_table(table.folder, key_bytes=20, known=after) is after


def test_segment_that_stays_away_is_missing(table: TableWriter) -> None:
    table.heads(table.segment({KEY: b"value"}, "ab" * 64))

    with pytest.raises(MissingJjError):
        open_table(table.folder, key_bytes=20)


def test_segments_in_a_circle_are_damage(table: TableWriter) -> None:
    for name, parent in (("aa" * 64, "bb" * 64), ("bb" * 64, "aa" * 64)):
        (table.folder / name).write_bytes(encode_segment(parent, {}))
    table.heads("aa" * 64)

    with pytest.raises(DamagedJjError, match="endless"):
        open_table(table.folder, key_bytes=20)


def test_endless_chain_of_segments_is_damage(table: TableWriter) -> None:
    name: str | None = None
    for number in range(300):
        name = table.segment({b"%020d" % number: b""}, name)
    table.heads(name or "")

    with pytest.raises(DamagedJjError, match="endless"):
        open_table(table.folder, key_bytes=20)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0",
        struct.pack("<I", 2**32 - 1),
        struct.pack("<II", 0, 2**32 - 1),
        struct.pack("<I", 3) + b"abc" + struct.pack("<I", 0),
        struct.pack("<I", 128) + b"../" * 42 + b"..",
        struct.pack("<II", 0, 1) + b"k" * 23,
    ],
)
def test_torn_segment_is_damage(content: bytes) -> None:
    with pytest.raises(DamagedJjError):
        decode_segment("ab" * 64, content, 20)


@pytest.mark.parametrize("offsets", [(5, 0), (2**32 - 1, 0), (0, 99)])
def test_value_outside_of_its_segment_is_damage(offsets: tuple[int, int]) -> None:
    entries = b"".join(
        key + struct.pack("<I", at) for key, at in zip((KEY, OTHER), offsets, strict=True)
    )
    segment = decode_segment("ab" * 64, struct.pack("<II", 0, 2) + entries + b"value", 20)

    with pytest.raises(DamagedJjError):
        segment.find(KEY)
