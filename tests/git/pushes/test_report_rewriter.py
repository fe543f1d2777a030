"""Reasons in git's report on a push: put in their places, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.reports import by_ref
from wit_admin.git.pktline import Mark, write_band, write_packet
from wit_admin.git.pushes.report import ReportReader
from wit_admin.git.pushes.report_rewriter import ReportRewriter

FLUSH = Mark.FLUSH.value
LINES = (
    b"unpack ok\n",
    b"ng refs/heads/main hook declined\n",
    b"ok refs/heads/side\n",
    b"option forced-update\n",
    b"ng refs/heads/other non-fast-forward\n",
    b"ng refs/heads/more hook declined\n",
)
REPORT = b"".join(map(write_packet, LINES)) + FLUSH
PROGRESS = write_band(2, b"working\n")
KEEPALIVE = write_packet(b"\x01")
REASONS = {b"refs/heads/main": "protected: no forced pushes", b"refs/heads/other": "never shown"}


def rewrite(answer: bytes, pieces: int, *, side_band: bool, is_atomic: bool = False) -> bytes:
    rewriter = ReportRewriter(side_band, REASONS, is_atomic)
    size = max(len(answer) // pieces, 1)
    passed = [rewriter.feed(answer[at : at + size]) for at in range(0, len(answer), size)]
    return b"".join(passed) + rewriter.finish()


@pytest.mark.parametrize("side_band", [True, False])
@given(pieces=st.integers(1, 400))
def test_reason_stands_at_its_ref_however_the_answer_comes(pieces: int, *, side_band: bool) -> None:
    banded = PROGRESS + KEEPALIVE + write_band(1, REPORT[:50]) + write_band(1, REPORT[50:]) + FLUSH

    answer = rewrite(banded if side_band else REPORT, pieces, side_band=side_band)

    reader = ReportReader(side_band=side_band)
    reader.feed(answer)
    report = reader.report()
    assert report.is_complete
    assert {result.ref: result.reason for result in report.results} == {
        b"refs/heads/main": "protected: no forced pushes",
        b"refs/heads/side": "",
        b"refs/heads/other": "non-fast-forward",
        b"refs/heads/more": "hook declined",
    }
    assert by_ref(report)[b"refs/heads/side"].is_forced
    assert not side_band or answer.startswith(PROGRESS + KEEPALIVE)


def test_progress_does_not_wait_for_the_report() -> None:
    rewriter = ReportRewriter(side_band=True, refusals={}, is_atomic=False)

    passed = rewriter.feed(PROGRESS + write_band(1, REPORT[:20]))

    assert passed == PROGRESS


def test_others_of_an_atomic_push_fail_with_it() -> None:
    report = write_packet(b"ng refs/heads/more pre-receive hook declined\n") + FLUSH

    answer = rewrite(report, 1, side_band=False, is_atomic=True)

    assert b"refs/heads/more atomic push failure\n" in answer


@given(st.binary(), st.integers(1, 20), st.booleans())
def test_what_is_no_report_loses_nothing(junk: bytes, pieces: int, side_band: bool) -> None:
    answer = rewrite(b"zzzz" + junk, pieces, side_band=side_band)

    assert answer == b"zzzz" + junk


@given(st.integers(0, len(PROGRESS + REPORT) + 20), st.integers(1, 50))
def test_answer_that_breaks_off_stays_one_that_breaks_off(length: int, pieces: int) -> None:
    whole = PROGRESS + write_band(1, REPORT) + FLUSH

    answer = rewrite(whole[: min(length, len(whole) - 5)], pieces, side_band=True)

    reader = ReportReader(side_band=True)
    reader.feed(answer)
    assert not reader.report().is_complete
