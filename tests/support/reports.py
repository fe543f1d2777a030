"""What git reported of a push, ref by ref."""

from __future__ import annotations

from wit_admin.git.pushes.report import PushReport, RefResult


def by_ref(report: PushReport) -> dict[bytes, RefResult]:
    """Return the result of each ref that a command named; the last one where there are several."""
    return {result.ref: result for result in report.results}
