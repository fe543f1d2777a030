"""The head of a push: read as git reads it, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wit_admin.errors import InvalidInputError, TooLargeError
from wit_admin.git.pktline import MAX_DATA, write_packet
from wit_admin.git.pushes.commands import (
    MAX_HEAD_BYTES,
    PushHeadReader,
    PushRequest,
    RefCommand,
    parse_command,
)
from wit_admin.git.refs.names import is_ref_name
from wit_admin.names import check_branch_name

ZERO, ONE, TWO = "0" * 40, "1" * 40, "2" * 40
FLUSH = b"0000"
SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"


def line(ref: str, *, old: str = ZERO, new: str = ONE, capabilities: str | None = None) -> bytes:
    tail = "" if capabilities is None else f"\0{capabilities}"
    return write_packet(f"{old} {new} {ref}{tail}".encode())


def certificate(text: str, *, lines_per_packet: int = 1) -> bytes:
    lines = text.splitlines(keepends=True)
    pieces = [
        "".join(lines[start : start + lines_per_packet])
        for start in range(0, len(lines), lines_per_packet)
    ]
    packets = [write_packet(piece.encode()) for piece in pieces]
    return write_packet(b"push-cert\0report-status") + b"".join(packets)


def read(data: bytes, size: int | None = None) -> PushRequest:
    reader = PushHeadReader()
    step = size or len(data) or 1
    for start in range(0, len(data), step):
        request = reader.feed(data[start : start + step])
        if request is not None:
            return request
    reader.finish()
    raise AssertionError


oids = st.sampled_from([ZERO, ONE, TWO])
branch_names = st.text("abcxyz/-_.é", min_size=1, max_size=20).filter(
    lambda name: is_ref_name(f"refs/heads/{name}".encode())
)


@given(
    st.dictionaries(branch_names, st.tuples(oids, oids), min_size=1, max_size=20),
    st.lists(st.sampled_from(["report-status", "atomic", "agent=git/2", "push-options"])),
    st.lists(st.binary(min_size=1, max_size=30).filter(lambda x: not x.endswith(b"\n"))),
    st.binary(max_size=50),
    st.integers(1, 100),
)
def test_head_in_any_pieces_reads_the_same(
    wishes: dict[str, tuple[str, str]],
    capabilities: list[str],
    options: list[bytes],
    pack: bytes,
    size: int,
) -> None:
    words = " ".join(capabilities)
    packets = [
        line(f"refs/heads/{name}", old=old, new=new, capabilities=None if number else words)
        for number, (name, (old, new)) in enumerate(wishes.items())
    ]
    head = b"".join(packets) + FLUSH
    if "push-options" in capabilities:
        head += b"".join(map(write_packet, options)) + FLUSH

    whole, pieces = read(head + pack), read(head + pack, size)

    assert whole.commands == pieces.commands
    assert whole.options == pieces.options
    assert whole.capabilities == pieces.capabilities >= {word.encode() for word in capabilities}
    assert pieces.head_bytes == whole.head_bytes == len(head)
    assert whole.commands == tuple(
        RefCommand(old, new, f"refs/heads/{name}".encode()) for name, (old, new) in wishes.items()
    )


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_are_read_or_refused(data: bytes, size: int) -> None:
    with_length = write_packet(data) if data else b""
    for body in (data, with_length, with_length + FLUSH, line("refs/heads/x") + data):
        try:
            request = read(body, size)
        except InvalidInputError:
            continue
        assert request.head_bytes <= len(body)


@given(st.binary(min_size=1, max_size=60))
def test_command_keeps_its_ref_or_is_refused(ref: bytes) -> None:
    try:
        command = parse_command(f"{ZERO} {ONE} ".encode() + ref)
    except InvalidInputError:
        assert not is_ref_name(ref)
    else:
        assert command.ref == ref


@given(st.text(max_size=30))
def test_branch_names_are_judged_alike_everywhere(name: str) -> None:
    # "@" and a leading "-" are fine in a ref, but not on git's command line.
    if name == "@" or name.startswith("-"):
        return
    try:
        check_branch_name(name)
        is_good = True
    except InvalidInputError:
        is_good = False
    try:
        data = name.encode()
    except UnicodeEncodeError:
        return
    assert is_ref_name(b"refs/heads/" + data) == is_good


@pytest.mark.parametrize(
    "ref",
    [
        "HEAD", "refs", "refs/", "refs//heads", "refs/heads/", "refs/heads/../x", "refs/heads/.x",
        "refs/heads/x.lock", "refs/heads/x.lock/y", "refs/heads/x.", "refs/heads/a..b",
        "refs/heads/a b", "refs/heads/a\tb", "refs/heads/a\nb", "refs/heads/a~1", "refs/heads/a^",
        "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*", "refs/heads/a[b", "refs/heads/a\\b",
        "refs/heads/" + "x" * 251, "refs/heads" + "/x" * 260,
        "refs/heads/@{x}", "refs/heads/\x7f", "/refs/heads/x", "../refs/heads/x", "config",
    ],
)  # fmt: skip
def test_ref_that_git_does_not_allow_is_refused(ref: str) -> None:
    with pytest.raises(InvalidInputError):
        read(line(ref) + FLUSH)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"000",
        b"0000000"[:3],
        b"0001",
        b"0002",
        b"0003x",
        b"00zz",
        b"+123",
        b" 123",
        b"fff1" + b"x" * 65533,
        b"ffff",
        b"0004" + FLUSH,
        line("refs/heads/x"),
        line("refs/heads/x") + b"0001",
        line("refs/heads/x", new="2" * 64) + FLUSH,
        line("refs/heads/x", new="g" * 40) + FLUSH,
        line("refs/heads/x", new="1" * 39) + FLUSH,
        line("refs/heads/x", capabilities="push-options") + FLUSH,
        line("refs/heads/x") + line("refs/heads/x", new=TWO) + FLUSH,
        line("refs/heads/x") + line("refs/heads/y", old="0" * 64, new="1" * 64) + FLUSH,
        write_packet(b"shallow nothing") + FLUSH,
    ],
)
def test_malformed_head_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        read(body)


def test_lengths_in_capitals_are_lengths() -> None:
    packet = line("refs/heads/x" + "y" * 100)

    request = read(packet[:4].upper() + packet[4:] + FLUSH)

    assert len(request.commands) == 1


def test_one_command_too_many_is_too_large() -> None:
    packets = (line(f"refs/heads/{number}") for number in range(20_001))

    with pytest.raises(TooLargeError, match="20000 refs"):
        read(b"".join(packets) + FLUSH)


def test_head_that_never_ends_is_cut_at_its_limit() -> None:
    endless = write_packet(b"shallow " + ONE.encode()) * 1000
    reader = PushHeadReader()

    for _ in range(MAX_HEAD_BYTES // len(endless)):
        assert reader.feed(endless) is None
    with pytest.raises(TooLargeError):
        reader.feed(endless)


def test_endless_push_options_are_cut_at_the_limit() -> None:
    head = line("refs/heads/x", capabilities="push-options") + FLUSH

    with pytest.raises(TooLargeError):
        read(head + write_packet(b"x" * MAX_DATA) * 200)


def test_capabilities_are_those_that_git_sees() -> None:
    hidden = write_packet(b"shallow " + ONE.encode() + b"\0push-options")
    packet = line("refs/heads/x", capabilities="atomic=1\treport-status\0side-band-64k")

    request = read(hidden + packet + FLUSH)

    assert request.is_atomic
    assert request.wants_report
    assert not request.side_band
    assert b"push-options" not in request.capabilities


@pytest.mark.parametrize("lines_per_packet", [1, 2, 3, 50])
def test_signed_commands_are_found_wherever_packets_begin(lines_per_packet: int) -> None:
    text = (
        "certificate version 0.1\npusher a\nnonce b\n\n"
        f"{ZERO} {ONE} refs/heads/a\n{ZERO} {ONE} refs/heads/b\n{SIGNATURE}"
    )
    end = write_packet(b"push-cert-end\n")

    request = read(certificate(text, lines_per_packet=lines_per_packet) + end + FLUSH)

    assert [command.ref for command in request.commands] == [b"refs/heads/a", b"refs/heads/b"]
    assert request.is_signed
    assert request.wants_report


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("certificate version 0.1\n", b""),
        (f"head\n\n{ZERO} {ONE} HEAD\n", b""),
        (f"head\n\n{ZERO} {ONE} refs/heads/a\nnot a command\n", b""),
        (f"head\n\n{ZERO} {ONE} refs/heads/a\n", line("refs/heads/b")),
        (f"head\n\n{ZERO} {ONE} refs/heads/a\n{ZERO} {TWO} refs/heads/a\n", b""),
    ],
)
def test_odd_certificate_is_refused(text: str, after: bytes) -> None:
    end = write_packet(b"push-cert-end\n")

    with pytest.raises(InvalidInputError):
        read(certificate(text) + end + after + FLUSH)


def test_certificate_ends_only_where_git_ends_it() -> None:
    with pytest.raises(InvalidInputError):
        read(certificate("head\n\n") + write_packet(b"push-cert-end") + FLUSH)


def test_text_behind_the_last_signature_holds_no_commands() -> None:
    text = f"head\n\n{ZERO} {ONE} refs/heads/a\n{SIGNATURE}{ZERO} {ONE} refs/heads/b\n"
    end = write_packet(b"push-cert-end\n")

    request = read(certificate(text) + end + FLUSH)

    assert [command.ref for command in request.commands] == [b"refs/heads/a"]
