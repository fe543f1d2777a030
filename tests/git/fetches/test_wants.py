"""What a fetch asks for is seen whatever form it has, so that hidden things stay hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wit_admin.git.fetches.wants import wanted_ids
from wit_admin.git.pktline import write_packet

OID = "abcdef0123456789abcdef0123456789abcdef01"


@pytest.mark.parametrize(
    "line",
    [
        f"want {OID}\n",
        f"want {OID}",
        f"want {OID.upper()}\n",
        f"want {OID}_and_more",
        f"want {OID}abcd",
        f"want {OID} multi_ack side-band-64k\n",
        f"want {OID}\0",
        f"oid {OID}\n",
    ],
)
def test_want_is_seen_in_every_form_that_git_reads(line: str) -> None:
    body = b"0012command=fetch\n0001" + write_packet(line.encode()) + b"0009done\n0000"

    assert wanted_ids(body) == [OID]


def test_long_id_is_returned_in_both_lengths() -> None:
    long = OID + "0" * 24

    assert wanted_ids(f"want {long}".encode()) == [OID, long]


@given(st.lists(st.binary(min_size=20, max_size=20), max_size=20), st.binary(max_size=40))
def test_each_want_is_returned_once_whatever_follows(ids: list[bytes], rest: bytes) -> None:
    wanted = [oid.hex() for oid in ids]
    body = b"".join(write_packet(f"want {oid}\n".encode()) for oid in [*wanted, *wanted])

    assert wanted_ids(body + b"0000" + rest)[: len(set(wanted))] == list(dict.fromkeys(wanted))


@given(st.binary(max_size=500))
def test_any_bytes_can_be_looked_through(body: bytes) -> None:
    assert all(len(oid) in {40, 64} for oid in wanted_ids(body))
