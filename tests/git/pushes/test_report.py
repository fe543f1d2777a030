"""git's report on a push: read from any pieces, and never taken for more than it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.reports import by_ref
from wit_admin.git.pktline import write_band, write_packet
from wit_admin.git.pushes.report import MAX_RESULTS, PushReport, ReportReader, render_refusal

refs = st.binary(min_size=1, max_size=20).map(lambda raw: b"refs/heads/" + raw.hex().encode())


def report_of(data: bytes, *, side_band: bool, size: int | None = None) -> PushReport:
    reader = ReportReader(side_band=side_band)
    for start in range(0, len(data), size or len(data) or 1):
        reader.feed(data[start : start + (size or len(data))])
    return reader.report()


def rendered(results: dict[bytes, str | None], unpack: str = "ok") -> bytes:
    lines = [b"unpack " + unpack.encode()]
    for ref, reason in results.items():
        lines.append(b"ok " + ref if reason is None else b"ng %b %b" % (ref, reason.encode()))
    return b"".join(write_packet(line + b"\n") for line in lines) + b"0000"


@given(
    st.dictionaries(refs, st.one_of(st.none(), st.sampled_from(["stale info", "hook declined"]))),
    st.integers(1, 70),
    st.booleans(),
    st.binary(max_size=50),
)
def test_report_in_any_pieces_reads_the_same(
    results: dict[bytes, str | None], size: int, side_band: bool, noise: bytes
) -> None:
    data = rendered(results)
    if side_band:
        data = write_band(2, noise) + write_band(1, data[:7]) + write_band(1, data[7:]) + b"0000"

    report = report_of(data, side_band=side_band, size=size)

    assert report.is_complete
    assert report.unpack == "ok"
    assert {ref: result.is_accepted for ref, result in by_ref(report).items()} == {
        ref: reason is None for ref, reason in results.items()
    }


@given(st.binary(max_size=400), st.booleans(), st.integers(1, 40))
def test_any_bytes_leave_the_reader_standing(data: bytes, side_band: bool, size: int) -> None:
    packets = write_packet(data[:100]) + b"0000"
    for body in (data, packets, write_band(1, packets)):
        report = report_of(body, side_band=side_band, size=size)

        assert report.unpack is not None or not report.is_complete


@given(st.integers(0, 200))
def test_report_that_breaks_off_is_not_complete(length: int) -> None:
    data = rendered({b"refs/heads/a": None, b"refs/heads/b": "no"})

    assert report_of(data[:length], side_band=False).is_complete == (length >= len(data))


def test_too_many_results_make_it_incomplete() -> None:
    data = rendered({b"refs/heads/%d" % number: None for number in range(MAX_RESULTS + 1)})

    report = report_of(data, side_band=False)

    assert not report.is_complete
    assert len(report.results) == MAX_RESULTS


def test_words_of_a_hook_are_not_the_report() -> None:
    forged = write_band(2, rendered({b"refs/heads/a": None}))
    real = write_band(1, rendered({b"refs/heads/a": "hook declined"}))

    report = report_of(forged + real + b"0000", side_band=True)

    assert not by_ref(report)[b"refs/heads/a"].is_accepted


@given(st.lists(refs, min_size=1, unique=True), st.text("abc é", max_size=50), st.booleans())
def test_refusal_is_a_report_that_accepts_nothing(
    names: list[bytes], message: str, side_band: bool
) -> None:
    reasons = dict.fromkeys(names, "no such luck")
    answer = render_refusal(reasons, message or None, side_band=side_band)
    report = report_of(answer, side_band=side_band)

    assert report.is_complete
    assert {ref: result.is_accepted for ref, result in by_ref(report).items()} == dict.fromkeys(
        names, False
    )
    assert {result.reason for result in report.results} == {"no such luck"}
