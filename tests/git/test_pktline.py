"""Packets: whatever comes, in whatever pieces, is read the same or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wit_admin.errors import InvalidInputError
from wit_admin.git.pktline import (
    MAX_DATA,
    Mark,
    Packet,
    PacketReader,
    read_packets,
    write_band,
    write_error,
    write_packet,
)

packets = st.lists(st.one_of(st.binary(max_size=300), st.sampled_from(list(Mark))), max_size=20)


def render(packet: Packet) -> bytes:
    return packet.value if isinstance(packet, Mark) else write_packet(packet)


def read(data: bytes, size: int) -> list[Packet]:
    reader, found = PacketReader(), list[Packet]()
    for start in range(0, len(data), size):
        found.extend(reader.feed(data[start : start + size]))
    reader.finish()
    return found


@given(packets, st.integers(1, 50))
def test_packets_in_any_pieces_are_the_same(written: list[Packet], size: int) -> None:
    data = b"".join(map(render, written))

    assert read(data, size) == read_packets(data) == written


@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_are_packets_or_refused_however_cut(data: bytes, size: int) -> None:
    try:
        whole = read_packets(data)
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            read(data, size)
    else:
        assert read(data, size) == whole


@pytest.mark.parametrize("length", [b"0003", b"fff1", b"ffff", b"00g0", b"-001", b"0x04", b" 004"])
def test_impossible_length_is_refused_before_its_content_comes(length: bytes) -> None:
    with pytest.raises(InvalidInputError):
        list(PacketReader().feed(length))


def test_longest_packet_is_read_and_a_longer_one_not_written() -> None:
    assert read_packets(write_packet(b"x" * MAX_DATA)) == [b"x" * MAX_DATA]
    with pytest.raises(ValueError, match="do not fit"):
        write_packet(b"x" * (MAX_DATA + 1))


def test_reader_holds_one_unfinished_packet_at_most() -> None:
    reader, most = PacketReader(), 0

    for _ in range(500):
        list(reader.feed(write_packet(b"x" * 5000)[:-1]))
        list(reader.feed(b"x"))
        most = max(most, reader.waiting)

    assert most == 0


@given(st.binary(max_size=200_000), st.integers(1, 3))
def test_band_of_any_length_comes_back_whole(data: bytes, band: int) -> None:
    pieces = [packet for packet in read_packets(write_band(band, data)) if packet]

    assert b"".join(piece[1:] for piece in pieces if isinstance(piece, bytes)) == data
    assert {piece[0] for piece in pieces if isinstance(piece, bytes)} <= {band}


@given(st.text(max_size=100_000))
def test_error_of_any_length_is_one_packet(message: str) -> None:
    try:
        [packet] = read_packets(write_error(message))
    except UnicodeEncodeError:
        return
    assert isinstance(packet, bytes)
    assert packet.startswith(b"ERR ")
