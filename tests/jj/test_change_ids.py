"""Change ids: letters, headers, and those made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wit_admin.jj.change_ids import decode_change_id, encode_change_id, read_header, synthesize

LETTERS = "kmnopqrstuvwxyzlkmnopqrstuvwxyzl"


@given(st.binary(min_size=16, max_size=16))
def test_letters_and_bytes_are_two_forms_of_one_id(value: bytes) -> None:
    letters = encode_change_id(value)

    assert decode_change_id(letters) == value
    assert set(letters) <= set("klmnopqrstuvwxyz")


@pytest.mark.parametrize("text", ["abc", "kk0k", "k k", "kkk", "é"])
def test_what_is_no_pairs_of_letters_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match=r"change id|hexadecimal"):
        decode_change_id(text)


@pytest.mark.parametrize(
    ("header", "change_id"),
    [
        (LETTERS, LETTERS),
        (LETTERS.upper(), LETTERS),
        (LETTERS[:16].upper() + LETTERS[16:], LETTERS),
        (LETTERS[:24], None),
        (LETTERS + "kk", None),
        (LETTERS[:31] + "a", None),
        ("0123456789abcdef0123456789abcdef", None),
        (LETTERS + "\n", None),
        ("", None),
    ],
)
def test_header_counts_only_as_jj_counts_it(header: str, change_id: str | None) -> None:
    assert read_header(header.encode()) == change_id


def test_made_up_id_is_the_end_of_the_commit_id_mirrored() -> None:
    end = bytes.fromhex("0123456789abcdef0011223344556677")
    mirrored = int(f"{int.from_bytes(end):0128b}"[::-1], 2).to_bytes(16)

    assert synthesize("ffffffff" + end.hex()) == encode_change_id(mirrored)
    assert synthesize("ff" * 16 + end.hex()) == encode_change_id(mirrored)
